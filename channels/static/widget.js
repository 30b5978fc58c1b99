/* <own-words-chat>: the resident's chat, in any page: <script src="https://views.example.org/widget.js" defer></script>
 *
 * Attributes: server (address of Own Words; this script's own by default), lang (of the first words shown),
 * remember="session" (forget when the tab closes, for shared computers).
 * Plain ES2018, no library. Residents' words go into the page as text, never as HTML. */
(function () {
  "use strict";

  var script = document.currentScript;
  var SCRIPT_ORIGIN = script && script.src ? new URL(script.src).origin : location.origin;
  var LIMIT = 4000; // characters, as the server counts them
  var COUNT_FROM = 3500;
  var TYPING_SAID_AFTER_MS = 1500;
  var LONGEST_RECORDING_S = 180; // as much as is transcribed

  function element(name, attributes, children) {
    var node = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) {
      var value = attributes[key];
      if (key === "text") node.textContent = value;
      else if (key.slice(0, 2) === "on") node.addEventListener(key.slice(2), value);
      else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
    });
    (children || []).forEach(function (child) { node.appendChild(child); });
    return node;
  }

  /* Text into a paragraph, as text: references are kept in one piece, and telephone numbers of help lines can be
   * called with one touch. */
  function fill(paragraph, text, withNumbers) {
    var special = withNumbers ? /(OW-[0-9A-Z]{4}-[0-9A-Z]{4}|\b\d[\d ]{1,13}\d\b)/ : /(OW-[0-9A-Z]{4}-[0-9A-Z]{4})/;
    text.split(special).forEach(function (piece, index) {
      if (index % 2 === 0) paragraph.appendChild(document.createTextNode(piece));
      else if (piece.slice(0, 3) === "OW-") paragraph.appendChild(element("bdi", { class: "reference", dir: "ltr", translate: "no", text: piece }));
      else paragraph.appendChild(element("a", { href: "tel:" + piece.replace(/ /g, ""), dir: "ltr", text: piece }));
    });
  }

  function newId() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.prototype.map.call(bytes, function (byte) { return ("0" + byte.toString(16)).slice(-2); }).join("");
  }

  // A phone whose storage is full or forbidden still chats; it only forgets at reload.
  function Storage(kind) {
    var memory = {};
    var store = null;
    try { store = window[kind]; store.setItem("own-words-probe", "1"); store.removeItem("own-words-probe"); }
    catch (error) { store = null; }
    return {
      get: function (key) {
        try { return JSON.parse(store ? store.getItem(key) : memory[key] || null); } catch (error) { return null; }
      },
      set: function (key, value) {
        memory[key] = JSON.stringify(value);
        try { if (store) store.setItem(key, memory[key]); } catch (error) { store = null; }
      },
      remove: function (key) {
        delete memory[key];
        try { if (store) store.removeItem(key); } catch (error) { store = null; }
      }
    };
  }

  /* The server's side: one conversation, its messages and its events. */
  class Line {
    constructor(server, handlers) {
      this.server = server;
      this.handlers = handlers;
      this.conversation = null; // {id, token}
      this.last = 0; // position of the last message seen
      this.stopped = true;
      this.abort = null;
    }

    async call(path, options) {
      var json = options && options.body ? { "Content-Type": "application/json" } : {};
      var headers = Object.assign({ Accept: "application/json" }, json, (options && options.headers) || {});
      if (this.conversation) headers.Authorization = "Bearer " + this.conversation.token;
      return fetch(this.server + path, Object.assign({ credentials: "omit", cache: "no-store" }, options, { headers: headers }));
    }

    path(rest) { return "/chat/conversations/" + this.conversation.id + rest; }

    async begin(language) {
      var response = await this.call("/chat/conversations", {
        method: "POST", body: JSON.stringify(language ? { language: language } : {})
      });
      if (!response.ok) throw await this.refusal(response);
      var body = await response.json();
      this.conversation = { id: body.conversation_id, token: body.token };
      return this.conversation;
    }

    async post(message) {
      var response = await this.call(this.path("/messages"), {
        method: "POST",
        body: JSON.stringify({ client_message_id: message.id, text: message.text, choice: message.choice || null })
      });
      if (!response.ok) throw await this.refusal(response);
    }

    async postRecording(id, recording) {
      var response = await this.call(this.path("/voice-notes?client_message_id=" + id), {
        method: "POST", body: recording, headers: { "Content-Type": recording.type || "application/octet-stream" }
      });
      if (!response.ok) throw await this.refusal(response);
    }

    async refusal(response) {
      var error = new Error("HTTP " + response.status);
      error.status = response.status;
      error.retryAfter = Number(response.headers.get("Retry-After")) || 0;
      try { error.says = (await response.json()).error.message; } catch (ignored) { error.says = ""; }
      return error;
    }

    listen() {
      if (!this.stopped || !this.conversation) return;
      this.stopped = false;
      this.loop();
    }

    stop() {
      this.stopped = true;
      if (this.abort) this.abort.abort();
    }

    async loop() {
      var failures = 0;
      var conversation = this.conversation;
      while (!this.stopped && this.conversation === conversation) {
        try {
          if (window.ReadableStream && window.TextDecoder && window.AbortController) await this.stream(function () { failures = 0; });
          else { await this.poll(); await wait(3000); }
          failures = 0;
        } catch (error) {
          if (this.stopped || this.conversation !== conversation) return;
          if (error.status === 401 || error.status === 403 || error.status === 404) return this.handlers.gone();
          failures += 1;
          if (failures > 1) this.handlers.online(false);
        }
        // The server's own end of a stream is no failure; a broken one waits longer each time, not all at once.
        await wait(failures ? Math.min(30000, 500 * Math.pow(2, failures)) * (0.7 + 0.6 * Math.random()) : 200);
      }
    }

    async poll() {
      var response = await this.call(this.path("/messages?after=" + this.last));
      if (!response.ok) throw await this.refusal(response);
      var body = await response.json();
      this.handlers.online(true);
      body.messages.forEach(this.take, this);
      this.handlers.typing(body.typing);
      if (body.language) this.handlers.language(body.language);
    }

    take(message) {
      if (message.position <= this.last) return;
      this.last = message.position;
      this.handlers.message(message);
    }

    async stream(onOpen) {
      this.abort = new AbortController();
      var response = await this.call(this.path("/events"), {
        headers: { Accept: "text/event-stream", "Last-Event-ID": String(this.last) }, signal: this.abort.signal
      });
      if (!response.ok) throw await this.refusal(response);
      if (!response.body || !response.body.getReader) { await this.poll(); return wait(3000); }
      this.handlers.online(true);
      onOpen();
      var reader = response.body.getReader();
      var decoder = new TextDecoder();
      var buffer = "";
      var silence = 0;
      var self = this;
      // A phone that slept may hold a dead connection: the server breathes every 15 s, so 45 s without is an end.
      function watch() { clearTimeout(silence); silence = setTimeout(function () { self.abort.abort(); }, 45000); }
      try {
        for (;;) {
          watch();
          var part = await reader.read();
          if (part.done) return;
          buffer += decoder.decode(part.value, { stream: true });
          var events = buffer.split(/\r?\n\r?\n/);
          buffer = events.pop();
          events.forEach(this.event, this);
        }
      } finally { clearTimeout(silence); }
    }

    event(text) {
      var type = "message";
      var data = [];
      text.split(/\r?\n/).forEach(function (line) {
        var at = line.indexOf(":");
        if (at < 1) return;
        var value = line.slice(at + 1).replace(/^ /, "");
        if (line.slice(0, at) === "event") type = value;
        if (line.slice(0, at) === "data") data.push(value);
      });
      if (!data.length) return;
      var body = JSON.parse(data.join("\n"));
      if (type === "message") this.take(body);
      if (type === "typing") this.handlers.typing(body.active);
      if (type === "language") this.handlers.language(body.language);
    }
  }

  function wait(milliseconds) { return new Promise(function (resolve) { setTimeout(resolve, milliseconds); }); }

  /* Recording a voice message: record, stop, listen, then send or delete. In place of the box while it lasts. */
  class Recorder {
    constructor(chat) {
      var self = this;
      this.chat = chat;
      this.recording = null; // {id, blob} when there is one to send
      this.ticking = 0;
      this.openButton = element("button", { type: "button", class: "record", onclick: function () { self.start(); } }, [
        element("span", { class: "microphone", "aria-hidden": "true" })
      ]);
      this.dot = element("span", { class: "dot", "aria-hidden": "true" });
      this.what = element("span", {});
      this.time = element("span", { class: "time", role: "timer", "aria-live": "off", dir: "ltr" });
      this.player = element("audio", { controls: true, hidden: true });
      this.stopButton = element("button", { type: "button", class: "send", onclick: function () { self.stop(); } });
      this.sendButton = element("button", { type: "button", class: "send", hidden: true, onclick: function () { self.send(); } });
      this.deleteButton = element("button", { type: "button", class: "plain", onclick: function () { self.discard(); } });
      this.panel = element("div", { class: "recorder", role: "group", hidden: true }, [
        element("p", {}, [this.dot, this.what, this.time]), this.player,
        element("div", { class: "row" }, [this.stopButton, this.sendButton, this.deleteButton])
      ]);
    }

    useWords(words) {
      this.openButton.setAttribute("aria-label", words.record);
      this.openButton.title = words.record;
      this.panel.setAttribute("aria-label", words.record);
      this.stopButton.textContent = words.record_stop;
      this.sendButton.textContent = words.record_send;
      this.deleteButton.textContent = words.record_delete;
      this.player.setAttribute("aria-label", words.voice_message);
      this.what.textContent = this.recording ? words.record_ready : words.recording;
    }

    async start() {
      var words = this.chat.words;
      if (this.isAsking) return;
      this.chat.showProblem("");
      // Without https a browser has no microphone at all.
      if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia || !window.MediaRecorder) {
        return this.chat.showProblem(words.record_unsupported);
      }
      this.isAsking = true;
      try {
        this.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
        this.begin();
      } catch (error) {
        var isRefused = error.name === "NotAllowedError" || error.name === "SecurityError";
        this.close();
        this.chat.showProblem(isRefused ? words.record_refused : words.record_failed);
      } finally { this.isAsking = false; }
    }

    begin() {
      var self = this;
      var parts = [];
      this.recording = null;
      var recorder = this.recorder = new MediaRecorder(this.stream);
      recorder.ondataavailable = function (event) { if (event.data.size) parts.push(event.data); };
      recorder.onstop = function () { if (self.recorder === recorder) self.keep(new Blob(parts, { type: recorder.mimeType })); };
      recorder.onerror = function () { if (self.recorder === recorder) self.fail(); };
      recorder.start(1000);
      this.startedAt = Date.now();
      this.show(false);
      this.chat.announce(this.chat.words.recording);
      this.stopButton.focus();
      this.tick();
      this.ticking = setInterval(function () { self.tick(); }, 250);
    }

    tick() {
      var seconds = Math.min(LONGEST_RECORDING_S, Math.floor((Date.now() - this.startedAt) / 1000));
      this.time.textContent = Math.floor(seconds / 60) + ":" + ("0" + seconds % 60).slice(-2);
      if (seconds < LONGEST_RECORDING_S) return;
      this.stop();
      this.chat.showProblem(this.chat.say("record_too_long", { minutes: LONGEST_RECORDING_S / 60 }));
    }

    stop() {
      if (this.recorder && this.recorder.state !== "inactive") this.recorder.stop();
      this.release();
    }

    /* The browser's sign that somebody listens goes off as soon as nobody does. */
    release() {
      clearInterval(this.ticking);
      if (this.stream) this.stream.getTracks().forEach(function (track) { track.stop(); });
      this.stream = null;
    }

    keep(blob) {
      this.release();
      if (!blob.size) return this.fail();
      this.recording = { id: newId(), blob: blob };
      this.address = URL.createObjectURL(blob);
      this.player.src = this.address;
      this.show(true);
      this.chat.announce(this.chat.words.record_ready);
      this.sendButton.focus();
    }

    show(isReady) {
      this.panel.hidden = false;
      this.chat.writing.hidden = this.chat.counter.hidden = true;
      this.dot.hidden = this.stopButton.hidden = isReady;
      this.player.hidden = this.sendButton.hidden = !isReady;
      this.useWords(this.chat.words);
    }

    close() {
      var recorder = this.recorder;
      this.recorder = this.recording = null;
      if (recorder && recorder.state !== "inactive") recorder.stop();
      this.release();
      this.player.removeAttribute("src");
      if (this.address) URL.revokeObjectURL(this.address);
      this.address = null;
      this.panel.hidden = true;
      this.chat.writing.hidden = this.chat.counter.hidden = false;
    }

    discard() {
      this.close();
      this.chat.showProblem("");
      this.chat.announce(this.chat.words.record_deleted);
      this.openButton.focus();
    }

    fail() {
      this.close();
      this.chat.showProblem(this.chat.words.record_failed);
      this.openButton.focus();
    }

    /* The same id each time: what arrived although no answer came back is not kept twice. */
    async send() {
      var recording = this.recording;
      var chat = this.chat;
      if (!recording || this.isSending) return;
      this.isSending = true;
      chat.showProblem("");
      chat.announce(chat.words.sending);
      try {
        await chat.haveConversation();
        await chat.line.postRecording(recording.id, recording.blob);
        if (this.recording === recording) { this.close(); chat.box.focus(); }
        chat.announce(chat.words.sent);
        chat.showTyping(true);
        chat.line.listen();
      } catch (error) {
        if (error.status === 401 || error.status === 403 || error.status === 404) chat.startAgain();
        // What is recorded stays: only its owner deletes it.
        else if (error.status === 429) chat.showProblem(chat.say("too_fast", { seconds: error.retryAfter || 5 }));
        else if (error.status === 422) { this.fail(); }
        else chat.showProblem(chat.words.record_not_sent);
      } finally { this.isSending = false; }
    }
  }

  class OwnWordsChat extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      this.server = (this.getAttribute("server") || SCRIPT_ORIGIN).replace(/\/$/, "");
      this.storage = Storage(this.getAttribute("remember") === "session" ? "sessionStorage" : "localStorage");
      this.queue = this.storage.get("own-words-queue") || [];
      this.shown = {}; // client_message_id -> its element
      this.words = {};
      this.isSending = false;
      this.isOnline = true;
      this.language = null;
      this.line = new Line(this.server, {
        message: this.showMessage.bind(this), typing: this.showTyping.bind(this),
        language: this.useLanguage.bind(this), gone: this.startAgain.bind(this), online: this.setOnline.bind(this)
      });
      this.build();
      this.start();
      var self = this;
      window.addEventListener("online", function () { self.sendQueue(); });
      window.addEventListener("offline", function () { self.setOnline(false); });
    }

    disconnectedCallback() { this.line.stop(); this.recorder.close(); }

    build() {
      var self = this;
      var root = this.attachShadow({ mode: "open" });
      root.appendChild(element("link", { rel: "stylesheet", href: this.server + "/static/widget.css" }));
      this.languageName = element("span", {});
      this.languageButton = element("button", { type: "button", class: "quiet", onclick: function () { self.changeLanguage(); } }, [
        element("span", { class: "globe", "aria-hidden": "true" }), this.languageName
      ]);
      this.forgetButton = element("button", { type: "button", class: "quiet", onclick: function () { self.askForget(true); } });
      this.bar = element("div", { class: "bar" }, [this.languageButton, this.forgetButton]);
      this.forgetQuestion = element("p", {});
      this.forgetYes = element("button", { type: "button", class: "plain", onclick: function () { self.forget(); } });
      this.forgetNo = element("button", { type: "button", class: "plain", onclick: function () { self.askForget(false); } });
      this.forgetBox = element("div", { class: "forget", role: "group", hidden: true }, [
        this.forgetQuestion, element("div", { class: "row" }, [this.forgetYes, this.forgetNo])
      ]);
      this.connection = element("p", { class: "connection", role: "status" });
      this.log = element("div", { class: "log", role: "log", "aria-live": "off" });
      this.typing = element("div", { class: "typing", hidden: true, "aria-hidden": "true" }, [
        element("span"), element("span"), element("span")
      ]);
      this.options = element("div", { class: "options", role: "group", hidden: true });
      // For the eye alone: screen readers and the keyboard reach what is below by themselves.
      this.more = element("div", { class: "more", "aria-hidden": "true", hidden: true, onclick: function () {
        self.scroller.scrollTop = self.scroller.scrollHeight;
      } });
      this.scroller = element("div", { class: "scroller", tabindex: "-1", onscroll: function () { self.showMore(); } }, [
        this.log, this.typing, this.options, this.more
      ]);
      this.label = element("label", { for: "text", class: "hidden" });
      this.box = element("textarea", {
        id: "text", rows: "1", dir: "auto", autocomplete: "off", enterkeyhint: "send", "aria-describedby": "counter",
        oninput: function () { self.boxChanged(); },
        onkeydown: function (event) {
          // Enter sends where there is a keyboard; on a phone it begins a line, and while a word is composed nothing.
          if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
          if (window.matchMedia("(pointer: coarse)").matches) return;
          event.preventDefault();
          self.submit();
        }
      });
      this.sendButton = element("button", { type: "submit", class: "send" });
      this.counter = element("p", { id: "counter", class: "counter" });
      this.problem = element("p", { class: "problem", role: "alert" });
      this.recorder = new Recorder(this);
      this.writing = element("div", { class: "row" }, [this.label, this.box, this.recorder.openButton, this.sendButton]);
      this.form = element("form", { class: "composer", novalidate: true, onsubmit: function (event) { event.preventDefault(); self.submit(); } }, [
        this.problem, this.writing, this.recorder.panel, this.counter
      ]);
      this.polite = element("p", { class: "hidden", role: "status" });
      this.frame = element("section", { class: "frame" }, [
        this.bar, this.forgetBox, this.connection, this.scroller, this.form, this.polite
      ]);
      root.appendChild(this.frame);
      this.box.value = this.storage.get("own-words-draft") || "";
    }

    async start() {
      var kept = this.storage.get("own-words-conversation");
      try { await this.loadWords(this.storage.get("own-words-language") || this.getAttribute("lang") || ""); }
      catch (error) {
        // Nothing can be said before the words are there: try again until they are.
        this.setOnline(false);
        await wait(2000 + 2000 * Math.random());
        return this.start();
      }
      this.setOnline(true);
      this.boxChanged();
      if (kept) {
        this.line.conversation = kept;
        this.line.listen();
      } else this.greet();
      this.queue.forEach(this.showPending, this);
      this.sendQueue();
      // What was said before the page was opened is not read aloud again.
      var self = this;
      setTimeout(function () { self.log.setAttribute("aria-live", "polite"); }, 1200);
    }

    /* Words of the page */

    async loadWords(language) {
      var response = await fetch(this.server + "/chat/words/" + encodeURIComponent(language || "auto"), { credentials: "omit" });
      if (!response.ok) throw new Error("HTTP " + response.status);
      var body = await response.json();
      this.words = body.words;
      this.languages = body.languages;
      this.language = body.language;
      this.frame.lang = body.language;
      this.frame.dir = body.dir;
      this.label.textContent = this.words.message_label;
      this.box.placeholder = this.words.message_hint;
      this.sendButton.textContent = this.words.send;
      var chosen = body.languages.filter(function (one) { return one.payload === "language:" + body.language; })[0];
      this.languageName.textContent = chosen ? chosen.title : this.words.language;
      this.languageButton.setAttribute("aria-label", this.words.change_language + ": " + this.languageName.textContent);
      this.recorder.useWords(this.words);
      this.forgetButton.textContent = this.words.forget;
      this.forgetQuestion.textContent = this.words.forget_question;
      this.forgetYes.textContent = this.words.forget_confirm;
      this.forgetNo.textContent = this.words.forget_keep;
      this.forgetBox.setAttribute("aria-label", this.words.forget);
      this.log.setAttribute("aria-label", this.words.conversation);
      this.options.setAttribute("aria-label", this.words.options_label);
      this.dispatchEvent(new CustomEvent("own-words-language", { bubbles: true, detail: body }));
    }

    useLanguage(language) {
      if (!language || language === this.language) return;
      this.language = language;
      this.storage.set("own-words-language", language);
      this.loadWords(language).catch(function () { /* the words so far stay; the next change tries again */ });
    }

    say(key, values) {
      return (this.words[key] || "").replace(/\{(\w+)\}/g, function (whole, name) {
        return values && name in values ? values[name] : whole;
      });
    }

    begun() {
      if (this.hasBegun) return;
      this.hasBegun = true;
      this.dispatchEvent(new CustomEvent("own-words-begun", { bubbles: true }));
    }

    /* Showing */

    greet() {
      // The first words are shown without asking the server to keep a conversation nobody has begun.
      this.greeting = this.bubble("out", [{ text: this.words.choose_language, lang: this.language, dir: this.frame.dir }]);
      this.log.appendChild(this.greeting);
      this.showOptions(this.languages);
    }

    showMessage(message) {
      if (this.greeting) { this.greeting.remove(); this.greeting = null; }
      var pending = message.client_message_id && this.shown[message.client_message_id];
      var isVoice = message.direction === "in" && !message.text;
      var blocks = isVoice ? [{ text: this.words.voice_message, lang: this.language, dir: this.frame.dir, role: "voice" }]
        : message.blocks && message.blocks.length ? message.blocks : [{ text: message.text, lang: message.lang, dir: message.direction === "in" ? "auto" : message.dir }];
      var first = this.log.querySelector(".pending");
      if (pending) {
        // Shown already, when it was sent: it stays, so that a screen reader does not read it twice.
        this.dequeue(message.client_message_id);
        pending.classList.remove("pending");
        pending.querySelector(".state").remove();
      } else {
        var node = this.bubble(message.direction, blocks, message.key === "danger_help");
        if (first) this.log.insertBefore(node, first);
        else this.log.appendChild(node);
      }
      this.begun();
      this.showOptions(message.direction === "out" ? message.options || [] : []);
      if (message.direction === "out") this.showTyping(false);
      this.scrollDown();
    }

    bubble(direction, blocks, withNumbers) {
      var who = element("span", { class: "hidden", text: (direction === "in" ? this.words.you : this.words.team) + ": " });
      var body = element("div", { class: "bubble" }, [who]);
      blocks.forEach(function (block) {
        var paragraph = element("p", {
          class: "role-" + (block.role || "message"), lang: block.lang || null, dir: block.dir || "auto"
        });
        fill(paragraph, block.text, withNumbers);
        body.appendChild(paragraph);
      });
      return element("div", { class: "message " + (direction === "in" ? "mine" : "theirs") }, [body]);
    }

    showPending(message) {
      var node = this.bubble("in", [{ text: message.text, dir: "auto" }]);
      node.classList.add("pending");
      node.appendChild(element("p", { class: "state", text: this.words.sending }));
      this.shown[message.id] = node;
      this.log.appendChild(node);
      this.showOptions([]);
      this.scrollDown();
    }

    showOptions(options) {
      var self = this;
      var hadFocus = this.options.contains(this.shadowRoot.activeElement);
      this.options.textContent = "";
      this.options.hidden = !options.length;
      this.options.classList.toggle("many", options.length > 4);
      options.forEach(function (option) {
        self.options.appendChild(element("button", {
          type: "button", class: "option", text: option.title, lang: option.lang || null, dir: option.dir || "auto",
          onclick: function () { self.send(option.title, option.payload); }
        }));
      });
      // The buttons that had the focus are gone; without this the next Tab would start at the top of the page.
      if (hadFocus) this.scroller.focus({ preventScroll: true });
    }

    showTyping(active) {
      var self = this;
      this.typing.hidden = !active;
      clearTimeout(this.typingTimer);
      if (active) {
        this.typingTimer = setTimeout(function () { self.announce(self.words.typing); }, TYPING_SAID_AFTER_MS);
        this.scrollDown();
      } else if (this.polite.textContent === this.words.typing) this.polite.textContent = "";
    }

    announce(text) { this.polite.textContent = text; }

    showProblem(text) {
      this.problem.textContent = "";
      var self = this;
      // Emptied first, so that the same words twice are read aloud twice.
      if (text) setTimeout(function () { self.problem.textContent = text; }, 50);
    }

    setOnline(isOnline) {
      if (isOnline === this.isOnline) return;
      this.isOnline = isOnline;
      this.connection.textContent = isOnline ? "" : this.words.offline || "…";
      if (isOnline) { this.announce(this.words.back_online || ""); this.sendQueue(); }
    }

    scrollDown() {
      var self = this;
      var scroller = this.scroller;
      var mine = this.log.querySelectorAll(".mine");
      var unread = mine.length ? mine[mine.length - 1].nextElementSibling : null;
      requestAnimationFrame(function () {
        // To the end, but never past the first word of an answer that is longer than the window.
        var end = scroller.scrollHeight - scroller.clientHeight;
        scroller.scrollTop = unread ? Math.min(end, unread.offsetTop - 10) : end;
        self.showMore();
      });
    }

    showMore() {
      var below = this.scroller.scrollHeight - this.scroller.clientHeight - this.scroller.scrollTop;
      this.more.hidden = below < 40;
    }

    /* Writing */

    boxChanged() {
      if (this.box.value) this.storage.set("own-words-draft", this.box.value);
      else this.storage.remove("own-words-draft");
      this.box.style.height = "auto";
      this.box.style.height = Math.min(this.box.scrollHeight + 2, 220) + "px";
      var length = Array.from(this.box.value).length;
      var text = "";
      if (length > LIMIT) text = this.say("characters_over", { count: length - LIMIT });
      else if (length > COUNT_FROM) text = this.say("characters_left", { count: LIMIT - length });
      this.counter.textContent = text;
      this.counter.classList.toggle("over", length > LIMIT);
    }

    submit() {
      var text = this.box.value;
      if (!text.trim()) { this.showProblem(this.words.empty); this.box.focus(); return; }
      if (Array.from(text).length > LIMIT) { this.showProblem(this.say("too_long", { limit: LIMIT })); this.box.focus(); return; }
      this.box.value = "";
      this.boxChanged();
      this.send(text, null);
    }

    send(text, choice) {
      this.showProblem("");
      var message = { id: newId(), text: text, choice: choice };
      this.queue.push(message);
      this.storage.set("own-words-queue", this.queue);
      this.showPending(message);
      this.sendQueue();
    }

    dequeue(id) {
      this.queue = this.queue.filter(function (message) { return message.id !== id; });
      this.storage.set("own-words-queue", this.queue);
      delete this.shown[id];
    }

    setState(id, text) {
      var node = this.shown[id];
      if (node) node.querySelector(".state").textContent = text;
    }

    /* Begun once, also when a message and a recording both are first. */
    async haveConversation() {
      if (this.line.conversation) return;
      if (!this.beginning) this.beginning = this.line.begin(this.language);
      try {
        this.storage.set("own-words-conversation", await this.beginning);
        this.line.last = 0;
      } finally { this.beginning = null; }
    }

    /* One message at a time and in order; the same id again is the same message, so sending again is safe. */
    async sendQueue() {
      if (this.isSending) return;
      this.isSending = true;
      var failures = 0;
      while (this.queue.length) {
        var message = this.queue[0];
        try {
          await this.haveConversation();
          await this.line.post(message);
          failures = 0;
          this.setState(message.id, this.words.sent);
          this.queue = this.queue.filter(function (other) { return other.id !== message.id; });
          this.storage.set("own-words-queue", this.queue);
          this.showTyping(true);
          this.line.listen();
        } catch (error) {
          if (error.status === 401 || error.status === 403 || error.status === 404) {
            this.line.conversation = null;
            this.startAgain();
          } else if (error.status === 429) {
            this.announce(this.say("too_fast", { seconds: error.retryAfter || 5 }));
            await wait(1000 * (error.retryAfter || 5));
          } else if (error.status >= 400 && error.status < 500) this.giveBack(message, error.says);
          else {
            failures += 1;
            this.setState(message.id, this.words.waiting_to_send);
            if (failures > 1) this.setOnline(false);
            await wait(Math.min(30000, 1000 * Math.pow(2, failures)));
          }
        }
      }
      this.isSending = false;
    }

    /* A message the server cannot take goes back into the box, with the reason. */
    giveBack(message, reason) {
      var node = this.shown[message.id];
      this.dequeue(message.id);
      if (node) node.remove();
      this.box.value = this.box.value ? message.text + "\n" + this.box.value : message.text;
      this.boxChanged();
      this.showProblem(reason || this.words.wrong_input);
      this.box.focus();
    }

    changeLanguage() {
      if (this.line.conversation) this.send("0", null);
      else { this.showOptions(this.languages); this.scrollDown(); }
    }

    /* Ending */

    startAgain() {
      this.clear();
      this.showProblem(this.words.conversation_gone);
      this.greet();
      this.queue.forEach(this.showPending, this);
    }

    clear() {
      this.line.stop();
      this.line.conversation = null;
      this.line.last = 0;
      this.storage.remove("own-words-conversation");
      this.log.textContent = "";
      this.shown = {};
      this.showTyping(false);
    }

    askForget(asks) {
      this.forgetBox.hidden = !asks;
      (asks ? this.forgetYes : this.forgetButton).focus();
    }

    forget() {
      this.clear();
      this.recorder.close();
      this.queue = [];
      ["queue", "draft", "language"].forEach(function (name) { this.storage.remove("own-words-" + name); }, this);
      this.box.value = "";
      this.boxChanged();
      this.askForget(false);
      this.greet();
      this.announce(this.words.forgotten);
    }
  }

  if (window.customElements && !customElements.get("own-words-chat")) customElements.define("own-words-chat", OwnWordsChat);
})();
