/* Keeps the words around the chat in the language of the chat, and makes room once it has begun. */
document.addEventListener("own-words-begun", function () {
  document.body.classList.add("begun");
});
document.addEventListener("own-words-language", function (event) {
  "use strict";
  var ui = event.detail;
  document.documentElement.lang = ui.language;
  document.documentElement.dir = ui.dir;
  document.querySelectorAll("[data-word]").forEach(function (node) {
    var word = ui.words[node.getAttribute("data-word")];
    if (word) node.textContent = word;
  });
  document.querySelectorAll("[data-form-link]").forEach(function (node) {
    node.href = node.getAttribute("href").split("?")[0] + "?lang=" + encodeURIComponent(ui.language);
  });
});
