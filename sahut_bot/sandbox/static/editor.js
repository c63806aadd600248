// One's own message while it is being changed.

import { author } from "./face.js";
import { h } from "./dom.js";
import { suggest } from "./suggest.js";
import { typed, withMentions } from "./text.js";

export function makeEditor(message, ui) {
  const field = h("textarea", { class: "editor-field", "aria-label": "Edit message", rows: "2" });
  field.value = typed(message.text, ui.state.users);
  const before = field.value;

  function cancel() {
    ui.edit("");
  }

  function save() {
    const text = field.value.trim();
    if (!text) return cancel();
    if (text !== before) ui.act("edit", { channel: ui.channel.id, ts: message.ts, text: withMentions(text, ui.state.users) });
    return cancel();
  }

  suggest(field, ui, { send: save });
  field.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      cancel();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      save();
    }
  });
  const buttons = h(
    "div",
    { class: "editor-buttons" },
    h("button", { type: "button", class: "kit-button", onclick: cancel }, "Cancel"),
    h("button", { type: "button", class: "kit-button primary", onclick: save }, "Save"),
  );
  const row = h(
    "div",
    { class: "msg editing", data: { ts: message.ts } },
    h("div", { class: "gutter" }, author(message, ui).face()),
    h("div", { class: "content" }, h("div", { class: "editor" }, field, buttons)),
  );
  requestAnimationFrame(() => {
    field.style.height = `${field.scrollHeight}px`;
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  });
  return row;
}
