// The handsets of /simulator: post what is typed, ask for the state again and again, and show it.
const POLL_MILLISECONDS = 700;
const STORED_NUMBER = 'own-words-simulator-number';
const FINAL_FAILURES = new Set(['failed', 'undelivered', 'canceled']);
const SHARED = { place: '[A place: Queen’s Park]', contact: '[A contact card: Sam Example]' };
const RIGHT_TO_LEFT = /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}]/u;

const numberBox = document.getElementById('number');
const trouble = document.getElementById('trouble');
const phones = new Map();
for (const section of document.querySelectorAll('.phone')) {
  phones.set(section.dataset.channel, { section, thread: section.querySelector('.thread'), shown: new Map() });
}

function newNumber() {
  const random = new Uint16Array(1);
  crypto.getRandomValues(random);
  return `+447700900${String(100 + (random[0] % 900))}`; // below 100 are our own numbers
}

let number = localStorage.getItem(STORED_NUMBER) || newNumber();
function useNumber(value) {
  number = value;
  numberBox.value = value;
  localStorage.setItem(STORED_NUMBER, value);
  for (const phone of phones.values()) {
    phone.thread.replaceChildren();
    phone.shown.clear();
  }
}

function say(words) {
  trouble.hidden = !words;
  if (trouble.textContent !== words) trouble.textContent = words;
}

async function call(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error(`The simulator answered ${answer.status}.`);
  return answer;
}

function postJson(path, body) {
  return call(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

async function send(channel, text, option = null, kind = null) {
  const body = { channel, number, text };
  if (option) Object.assign(body, { choice: option.id, choice_kind: kind });
  await postJson('/simulator/messages', body);
  await refresh();
}

async function share(kind, more = {}) {
  await postJson('/simulator/shared', { number, kind, ...more });
  await refresh();
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function facts(message) {
  const parts = [];
  if (message.channel === 'sms') {
    parts.push(`${message.encoding}, ${count(message.units, 'unit')}, ${count(message.parts, 'part')}`);
  } else if (!message.from_resident) {
    parts.push(count(message.characters, 'character'));
  }
  if (!message.from_resident) parts.push(message.states.join(' → '));
  else if (message.states.includes('read')) parts.push('read');
  if (message.is_answered_soon) parts.push('Own Words is typing…');
  if (message.error_code) parts.push(`${message.error_code}: ${message.error}`);
  return parts.join(' · ');
}

// A reaction is put on a message of ours; pressed again, it is taken back.
function reactButton(message) {
  const button = element('button', 'react', '👍');
  button.type = 'button';
  button.setAttribute('aria-label', 'React with a thumb up');
  button.setAttribute('aria-pressed', 'false');
  button.addEventListener('click', () => act(async () => {
    const takesBack = button.getAttribute('aria-pressed') === 'true';
    await share('reaction', { emoji: takesBack ? '' : '👍', to: message.sid });
    button.setAttribute('aria-pressed', String(!takesBack));
  }));
  return button;
}

function show(phone, message) {
  const item = element('div', `bubble ${message.from_resident ? 'resident' : 'ours'}`);
  item.append(element('span', 'hidden', message.from_resident ? 'You: ' : 'Own Words: '));
  for (const media of message.media) {
    item.append(element('p', 'words', `[${media.type}, ${Math.ceil(media.bytes / 1024)} KB]`));
  }
  if (SHARED[message.shared]) item.append(element('p', 'words', SHARED[message.shared]));
  if (message.shared === 'reaction') {
    item.append(element('p', 'words', message.text ? 'A reaction:' : 'The reaction was taken back.'));
  }
  if (message.text) {
    const words = element('p', 'words', message.text);
    words.dir = 'auto';
    item.append(words);
  }
  if (message.options.length) {
    const options = element('div', 'options');
    for (const option of message.options) {
      const button = element('button', '', option.title);
      button.type = 'button';
      button.dir = 'auto';
      button.addEventListener('click', () => act(() => send(message.channel, option.title, option, message.option_kind)));
      options.append(button);
    }
    item.append(options);
  }
  if (message.channel === 'whatsapp' && !message.from_resident) item.append(reactButton(message));
  const line = element('p', 'facts', '');
  line.dir = 'ltr';
  item.append(line);
  phone.thread.append(item);
  if (!message.from_resident && message.text) {
    // As a telephone set to that language would have it.
    phone.thread.dir = RIGHT_TO_LEFT.test(message.text) ? 'rtl' : 'ltr';
  }
  return item;
}

let isRefreshing = false;
async function refresh() {
  if (isRefreshing) return;
  isRefreshing = true;
  try {
    const asked = number;
    const state = await (await call(`/simulator/state?number=${encodeURIComponent(asked)}`)).json();
    if (asked !== number) return;
    // Who has scrolled up to read is left there, until something new comes.
    const atEnd = new Set([...phones.values()].filter(({ thread }) => thread.scrollTop + thread.clientHeight > thread.scrollHeight - 8));
    for (const message of state.messages) {
      const phone = phones.get(message.channel === 'whatsapp' ? 'whatsapp' : 'sms');
      let item = phone.shown.get(message.sid);
      const isNew = !item;
      if (isNew) {
        item = show(phone, message);
        phone.shown.set(message.sid, item);
      }
      const line = item.querySelector('.facts');
      const said = facts(message);
      if (line.textContent !== said) line.textContent = said;
      line.classList.toggle('failed', FINAL_FAILURES.has(message.states.at(-1)));
      if (isNew) atEnd.add(phone);
    }
    for (const { thread } of atEnd) thread.scrollTop = thread.scrollHeight;
    showWebhooks(state.webhooks);
    say('');
  } catch (error) {
    say(`Own Words does not answer at the moment. ${error.message}`);
  } finally {
    isRefreshing = false;
  }
}

let lastWebhooks = '';
function showWebhooks(webhooks) {
  const seen = JSON.stringify(webhooks);
  if (seen === lastWebhooks) return;
  lastWebhooks = seen;
  const items = webhooks.toReversed().map((one) => element('li', '', `${one.path} (${one.about}): ${one.status ?? 'no answer'}`));
  document.getElementById('webhooks').replaceChildren(...items);
}

async function act(action) {
  try {
    await action();
  } catch (error) {
    say(error.message);
  }
}

for (const [channel, phone] of phones) {
  const form = phone.section.querySelector('form');
  const box = form.querySelector('textarea');
  const submit = () => {
    const text = box.value;
    if (!text.trim()) return;
    box.value = '';
    act(() => send(channel, text));
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  });
}

async function sendMedia(blob, type) {
  await call(`/simulator/media?number=${encodeURIComponent(number)}`, {
    method: 'POST',
    headers: { 'Content-Type': type },
    body: blob,
  });
  await refresh();
}

for (const button of document.querySelectorAll('[data-share]')) {
  button.addEventListener('click', () => act(() => share(button.dataset.share)));
}

const file = document.getElementById('file');
file.addEventListener('change', () => {
  const chosen = file.files[0];
  if (chosen) act(() => sendMedia(chosen, chosen.type || 'application/octet-stream'));
  file.value = '';
});

const record = document.getElementById('record');
if (navigator.mediaDevices?.getUserMedia && window.MediaRecorder) {
  record.hidden = false;
  let recorder = null;
  const start = async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const pieces = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener('dataavailable', (event) => pieces.push(event.data));
    recorder.addEventListener('stop', () => {
      for (const track of stream.getTracks()) track.stop();
      const type = (recorder.mimeType || 'audio/webm').split(';')[0];
      recorder = null;
      record.setAttribute('aria-pressed', 'false');
      record.textContent = 'Record a voice note';
      act(() => sendMedia(new Blob(pieces, { type }), type));
    });
    recorder.start();
    record.setAttribute('aria-pressed', 'true');
    record.textContent = 'Stop and send';
  };
  record.addEventListener('click', () => (recorder ? recorder.stop() : act(start)));
}

document.getElementById('switches').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target;
  const often = Number(form.how_often.value);
  const code = (name) => (form[name].value ? Number(form[name].value) : null);
  act(async () => {
    await postJson('/simulator/switches', {
      refuse_with: code('refuse_with'),
      refuse_count: code('refuse_with') ? often : 0,
      fail_with: code('fail_with'),
      fail_count: code('fail_with') ? often : 0,
      hang_count: form.hang.checked ? 1 : 0,
      approval: form.approval.value,
      delay_seconds: Number(form.delay_seconds.value) || 0,
      duplicates: form.duplicates.checked,
      reorder: form.reorder.checked,
    });
    document.getElementById('switches-set').textContent = 'Set.';
  });
});

numberBox.addEventListener('change', () => {
  if (numberBox.checkValidity() && numberBox.value) useNumber(numberBox.value);
  else numberBox.value = number;
  refresh();
});
document.getElementById('new-number').addEventListener('click', () => {
  useNumber(newNumber());
  refresh();
});

useNumber(number);
refresh();
setInterval(refresh, POLL_MILLISECONDS);
