// Makes elements. Nothing here or elsewhere turns text into markup: what comes from models,
// documents and servers becomes text nodes and checked attributes.

/** An element with attributes and children. Children that are null or "" are left out. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((each) => each !== null && each !== ""));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** A line drawing of 20 by 20 units. */
export function drawing(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** The address if a browser may open it: http or https. Else null. */
export function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A link to another page, which learns nothing of this one. */
export function link(address, ...children) {
  return make(
    "a",
    { href: address, target: "_blank", rel: "noopener noreferrer", title: address },
    ...children,
  );
}

/** Copy text, also where the page is not served over TLS and has no clipboard of its own. */
export async function copy(text) {
  if (navigator.clipboard !== undefined) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = make("textarea", { class: "unseen", "aria-hidden": "true" });
  field.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

/** Let a button say for a moment that it has copied. */
export function saysCopied(button) {
  const label = button.querySelector("span") ?? button;
  const before = button.dataset.label ?? label.textContent;
  button.dataset.label = before;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 1600);
}
