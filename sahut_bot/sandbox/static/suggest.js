// Lists over a text field: people after @, emoji after a colon, the app's commands after a slash.

import { face, appFace } from "./face.js";
import { h } from "./dom.js";
import { OFFERED } from "./emoji.js";

const MOST = 8;

function people(query, ui) {
  return ui.channel.members
    .map((id) => ({ id, ...ui.state.users[id] }))
    .filter((one) => !one.deleted && one.name.toLowerCase().split(" ").concat(one.name.toLowerCase()).some((word) => word.startsWith(query)))
    .map((one) => ({ face: one.bot ? appFace("tiny") : face(one.name, "tiny"), label: one.name, hint: one.bot ? "App" : one.guest ? "Guest" : "", insert: `@${one.name} ` }));
}

function emoji(query) {
  if (query.length < 2) return [];
  const found = [...OFFERED].filter(([name]) => name.includes(query));
  return found.map(([name, sign]) => ({ face: h("span", { class: "emoji" }, sign), label: `:${name}:`, insert: `:${name}: ` }));
}

function commands(query, ui) {
  const found = ui.config.commands.filter((one) => one.command.slice(1).startsWith(query));
  return found.map((one) => ({
    face: appFace("small"),
    label: [h("b", {}, one.command), " ", h("span", { class: "usage" }, one.usage_hint || ""), h("small", {}, one.description)],
    insert: `${one.command} `,
  }));
}

const KINDS = [
  { after: /^\/(\w*)$/, offers: commands, slashes: true },
  { after: /(?:^|\s)@([\p{L}\p{N} ]{0,20})$/u, offers: people },
  { after: /(?:^|\s):([a-z0-9_+]{1,20})$/, offers: emoji },
];

let count = 0;

/** `slashes`: commands are offered as well. */
export function suggest(field, ui, { slashes = false } = {}) {
  const id = `suggest-${(count += 1)}`;
  let box = null;
  let offers = [];
  let active = 0;
  let start = 0;

  function look() {
    const before = field.value.slice(0, field.selectionStart);
    for (const kind of KINDS) {
      const match = (!kind.slashes || slashes) && kind.after.exec(before);
      const found = match ? kind.offers(match[1].toLowerCase(), ui).slice(0, MOST) : [];
      if (found.length) {
        start = before.length - match[1].length - 1;
        offers = found;
        active = 0;
        return draw();
      }
    }
    return close();
  }

  function draw() {
    box ||= field.parentElement.appendChild(h("ul", { class: "suggest", role: "listbox", id, "aria-label": "Suggestions" }));
    box.replaceChildren(
      ...offers.map((one, index) =>
        h(
          "li",
          {
            role: "option",
            id: `${id}-${index}`,
            class: index === active ? "active" : "",
            "aria-selected": String(index === active),
            onpointerdown: (event) => event.preventDefault(),
            onclick: () => take(one),
          },
          one.face,
          h("span", { class: "menu-label" }, one.label),
          one.hint && h("span", { class: "menu-hint" }, one.hint),
        ),
      ),
    );
    field.setAttribute("aria-controls", id);
    field.setAttribute("aria-activedescendant", `${id}-${active}`);
  }

  function close() {
    box?.remove();
    box = null;
    field.removeAttribute("aria-activedescendant");
  }

  function take(one) {
    const rest = field.value.slice(field.selectionStart);
    const at = start + one.insert.length;
    field.value = field.value.slice(0, start) + one.insert + rest.replace(/^ /, "");
    field.setSelectionRange(at, at);
    close();
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  field.addEventListener("input", look);
  field.addEventListener("blur", close);
  // Before the field's own keys, which send.
  field.addEventListener(
    "keydown",
    (event) => {
      if (!box) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        active = (active + step + offers.length) % offers.length;
        draw();
      } else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) {
        take(offers[active]);
      } else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
}
