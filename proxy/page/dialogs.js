// The two dialogs: for the key, and for the request as code.

import { faultOfKey, useKey } from "./api.js";
import { copy, make, saysCopied } from "./dom.js";
import { LANGUAGES, snippet } from "./snippets.js";

const find = (id) => document.getElementById(id);

for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

/** Ask for a key. `used` is called once there is one. */
export function askForKey(why, used) {
  const [dialog, form, field] = [find("key-dialog"), find("key-form"), find("key-field")];
  find("key-why").textContent = why;
  showFault("");
  field.oninput = () => showFault("");
  form.onsubmit = (event) => {
    event.preventDefault();
    const fault = faultOfKey(field.value);
    showFault(fault);
    if (fault) return;
    useKey(field.value);
    field.value = "";
    dialog.close();
    used();
  };
  if (!dialog.open) dialog.showModal();
  field.focus();
}

function showFault(fault) {
  find("key-fault").textContent = fault;
  find("key-field").setAttribute("aria-invalid", String(fault !== ""));
}

/** Show the request of a turn as code, with `model` where neither it nor its answer names one. */
export function showCode(turn, model) {
  const [dialog, code] = [find("code-dialog"), find("code")];
  const tabs = LANGUAGES.map((language) => make("button", {
    type: "button", role: "tab", id: `tab-${language}`, "aria-controls": "code",
  }, language));
  const choose = (language) => {
    code.firstElementChild.textContent = snippet(language, turn.body, turn.answer?.model || model);
    code.setAttribute("aria-labelledby", `tab-${language}`);
    find("code-note").textContent = note(language);
    tabs.forEach((tab, n) => {
      const isChosen = LANGUAGES[n] === language;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
    });
  };
  tabs.forEach((tab, n) => {
    tab.addEventListener("click", () => choose(LANGUAGES[n]));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      const next = (n + step + tabs.length) % tabs.length;
      choose(LANGUAGES[next]);
      tabs[next].focus();
    });
  });
  find("code-tabs").replaceChildren(...tabs);
  find("code-copy").onclick = async () => {
    await copy(code.textContent);
    saysCopied(find("code-copy"));
  };
  choose(LANGUAGES[0]);
  dialog.showModal();
}

function note(language) {
  return {
    curl: "In a shell. If you use a key, put it into RAG_PROXY_KEY.",
    Python: "Needs the package openai: pip install openai",
    Node: "Needs the package openai: npm install openai",
  }[language];
}
