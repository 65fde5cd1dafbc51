// Puts the page together: a conversation of turns, and what a user can do with it.

import { Answer } from "./answer.js";
import { Trouble, ask, hasKey } from "./api.js";
import { askForKey, showCode } from "./dialogs.js";
import { Pickers } from "./pickers.js";
import { SourcePanel } from "./sources.js";
import { Speech } from "./speech.js";
import { Turn } from "./turn.js";

const UNAUTHORIZED = 401;
const NEAR = 80; // pixels from the end within which the page follows an answer

const find = (id) => document.getElementById(id);
const [question, scroller, composer] = [find("question"), find("scroller"), find("composer")];
const panel = new SourcePanel(find("source"));
const speech = new Speech(find("news"));
const pickers = new Pickers({
  model: find("model"), mode: find("mode"), scope: find("scope"), panel: find("scope-panel"),
});
let turns = [];
let running = null;

// Asking

async function askIt(text) {
  const turn = new Turn(text, { openSource, showCode: asCode, again });
  turn.body = pickers.body([...turns.flatMap((each) => each.messages), { role: "user", content: text }]);
  turns.push(turn);
  find("turns").append(turn.element);
  setBusy(new AbortController());
  scroller.scrollTop = scroller.scrollHeight;
  await run(turn, running.signal);
}

async function run(turn, signal) {
  const answer = new Answer(performance.now());
  const drawing = frames(() => drawTurn(turn, answer));
  let [trouble, wasStopped] = [null, false];
  const clock = setInterval(drawing.wanted, 1000);
  speech.begin();
  turn.draw(answer);
  try {
    await ask(turn.body, signal, (chunk) => {
      const before = answer.status;
      answer.hear(chunk, performance.now());
      if (answer.status !== before) speech.say(answer.status);
      drawing.wanted();
    });
  } catch (fault) {
    wasStopped = signal.aborted;
    if (!wasStopped) trouble = fault instanceof Trouble ? fault : new Trouble(`The page failed: ${fault.message}`);
  }
  clearInterval(clock);
  drawing.stop();
  answer.end(performance.now());
  finish(turn, answer, trouble, wasStopped);
}

function drawTurn(turn, answer) {
  follow(() => turn.draw(answer));
  speech.follow(answer.text);
}

function finish(turn, answer, trouble, wasStopped) {
  follow(() => turn.end(answer, trouble, wasStopped));
  speech.follow(answer.text, true);
  speech.say(trouble ? `The answer failed. ${trouble.message}` : wasStopped ? "Stopped." : "The answer is complete.");
  if (!turns.includes(turn)) return; // a new conversation has begun
  setBusy(null);
  if (trouble?.status === UNAUTHORIZED) wantKey(trouble, () => again(turn));
}

function again(turn) {
  if (running) return;
  const place = turns.indexOf(turn);
  turns.splice(place, 1);
  turn.element.remove();
  askIt(turn.question);
}

/** Draw at most once a frame, however many tokens come. */
function frames(draw) {
  let frame = null;
  return {
    wanted() {
      frame ??= requestAnimationFrame(() => { frame = null; draw(); });
    },
    stop() {
      if (frame !== null) cancelAnimationFrame(frame);
    },
  };
}

/** Stay at the end of the conversation, for a reader who is there. */
function follow(change) {
  const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
  change();
  if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
}

function setBusy(controller) {
  const hadFocus = document.activeElement === find("stop");
  running = controller;
  find("send").hidden = running !== null;
  find("stop").hidden = running === null;
  find("welcome").hidden = turns.length > 0;
  find("anew").hidden = turns.length === 0;
  if (hadFocus) question.focus();
}

function stop() {
  running?.abort();
}

function openSource(source, giveBack) {
  panel.open(source, giveBack);
}

function asCode(turn) {
  showCode(turn, pickers.anyModel);
}

// The key

function wantKey(trouble, then) {
  const why = hasKey() ? trouble.message : "This proxy asks for a key. Enter yours.";
  askForKey(why, () => {
    load();
    then?.();
  });
}

async function load() {
  try {
    await pickers.load();
  } catch (fault) {
    if (!(fault instanceof Trouble)) throw fault;
    if (fault.status === UNAUTHORIZED && !find("key-dialog").open) wantKey(fault);
  }
}

// What a user does

function submit() {
  const text = question.value.trim();
  if (text === "" || running) return;
  question.value = "";
  grow();
  askIt(text);
}

/** The field is as high as its text. */
function grow() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}

function startAnew() {
  stop();
  turns = [];
  find("turns").replaceChildren();
  panel.giveBack = null;
  panel.close();
  setBusy(null);
  question.focus();
}

function escape() {
  if (pickers.closePanel()) return;
  if (panel.isOpen && (!running || find("source").contains(document.activeElement))) panel.close();
  else stop();
}

function isTyping(element) {
  return element.matches("input, textarea, select") || element.isContentEditable;
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // A browser that keeps nothing forgets the theme, too.
  }
  showTheme();
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** A link may bring a question along: /#q=How%20long%20is%20the%20notice%20period%3F */
function takeQuestion() {
  const given = new URLSearchParams(location.hash.slice(1)).get("q");
  if (!given) return;
  question.value = given;
  grow();
}

function showTheme() {
  find("theme").setAttribute("aria-pressed", String(isDark()));
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
question.addEventListener("input", grow);
question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") escape();
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.key === "/" && isPlain && !isTyping(event.target)) {
    event.preventDefault();
    question.focus();
  }
});
find("stop").addEventListener("click", stop);
find("anew").addEventListener("click", startAnew);
find("key").addEventListener("click", () => askForKey(hasKey()
  ? "A key is in use. Enter another one, or none to ask without."
  : "If this proxy asks for a key, enter yours.", load));
find("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);

addEventListener("hashchange", takeQuestion); // a link or the address bar of a page that is open
takeQuestion();
grow();
showTheme();
question.focus();
load();
