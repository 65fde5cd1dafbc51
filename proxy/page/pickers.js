// What a question may choose: model or profile, when to search, and where.

import { list } from "./api.js";
import { counted } from "./answer.js";
import { make } from "./dom.js";

const OF_PROXY = "rag-proxy";

export class Pickers {
  constructor({ model, mode, scope, panel }) {
    Object.assign(this, { model, mode, scope, panel });
    this.workspaces = null;
    this.chosen = new Set();
    this.field = null;
    scope.addEventListener("click", () => this.toggle());
    panel.addEventListener("input", () => this.read());
    document.addEventListener("click", (event) => {
      if (!scope.parentElement.contains(event.target)) this.closePanel();
    });
    scope.parentElement.addEventListener("focusout", (event) => {
      const next = event.relatedTarget;
      if (next !== null && !scope.parentElement.contains(next)) this.closePanel();
    });
  }

  /** Ask the proxy what there is. Raises Trouble if it lists no models. */
  async load() {
    const [models, stores] = await Promise.allSettled([list("models"), list("vector_stores")]);
    this.showWorkspaces(stores.status === "fulfilled" ? stores.value : []);
    if (models.status === "rejected") throw models.reason;
    this.showModels(models.value);
  }

  showModels(models) {
    const before = this.model.value;
    const option = ({ id }) => make("option", { value: id }, id);
    const profiles = models.filter((each) => each.owned_by === OF_PROXY);
    const others = models.filter((each) => each.owned_by !== OF_PROXY);
    const group = (label, all) => (all.length ? make("optgroup", { label }, ...all.map(option)) : null);
    this.model.replaceChildren(...[
      make("option", { value: "" }, "Default model"),
      group("Profiles", profiles),
      group("Models", others),
    ].filter(Boolean));
    if (models.some((each) => each.id === before)) this.model.value = before;
  }

  /** Workspaces by name, or, if the proxy does not list them, a field for their numbers. */
  showWorkspaces(stores) {
    this.workspaces = stores
      .map((each) => ({ id: Number(/\d+$/.exec(each.id)?.[0] ?? NaN), name: each.name, files: each.file_counts?.total }))
      .filter((each) => Number.isSafeInteger(each.id))
      .sort((a, b) => String(a.name).localeCompare(String(b.name)));
    this.chosen = new Set();
    this.panel.replaceChildren(...(this.workspaces.length > 0 ? this.boxes() : this.numbers()));
    this.read();
  }

  boxes() {
    const box = ({ id, name, files }) => make("label", { class: "box" },
      make("input", { type: "checkbox", value: String(id) }),
      make("span", {}, name || `Workspace ${id}`),
      files === undefined ? null : make("small", {}, counted(files, "file")));
    return [make("fieldset", {},
      make("legend", {}, "Search only in"), ...this.workspaces.map(box))];
  }

  numbers() {
    this.field = make("input", {
      id: "scope-numbers", type: "text", inputmode: "numeric", placeholder: "42, 43", autocomplete: "off",
    });
    return [make("label", { for: "scope-numbers" }, "Numbers of workspaces"), this.field,
      make("p", { class: "note" }, "Empty means all that you may search.")];
  }

  read() {
    const boxes = [...this.panel.querySelectorAll("input:checked")];
    const ids = this.workspaces.length > 0
      ? boxes.map((each) => Number(each.value))
      : (this.field.value.match(/\d{1,15}/g) ?? []).map(Number);
    this.chosen = new Set(ids);
    this.scope.textContent = this.label(ids);
  }

  label(ids) {
    if (ids.length === 0) return "All workspaces";
    if (ids.length > 1) return counted(ids.length, "workspace");
    return this.workspaces.find((each) => each.id === ids[0])?.name || `Workspace ${ids[0]}`;
  }

  toggle() {
    if (this.panel.hidden) {
      this.panel.hidden = false;
      this.scope.setAttribute("aria-expanded", "true");
      this.panel.querySelector("input")?.focus();
    } else {
      this.closePanel();
    }
  }

  /** Whether there was one to close. */
  closePanel() {
    if (this.panel.hidden) return false;
    const hadFocus = this.panel.contains(document.activeElement);
    this.panel.hidden = true;
    this.scope.setAttribute("aria-expanded", "false");
    if (hadFocus) this.scope.focus();
    return true;
  }

  /** The first model or profile of the list, or "". */
  get anyModel() {
    return [...this.model.options].find((each) => each.value)?.value ?? "";
  }

  /** The request for these messages. */
  body(messages) {
    const lighton = { progress: "open-webui" };
    if (this.mode.value) lighton.retrieval = this.mode.value;
    if (this.chosen.size > 0) lighton.workspace_id = [...this.chosen];
    return {
      ...(this.model.value ? { model: this.model.value } : {}),
      messages,
      stream: true,
      stream_options: { include_usage: true },
      lighton,
    };
  }
}
