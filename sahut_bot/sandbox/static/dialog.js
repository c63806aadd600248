// A window over the team's side: holds the focus, closes with Escape.

import { h, iconButton } from "./dom.js";
import { closeMenu, menuIsOpen } from "./menu.js";

const FOCUSABLE = "a[href], button:not([disabled]):not([tabindex='-1']), input:not([type=hidden]), textarea, select, [tabindex='0']";

/** `close(everything)` is asked for; whoever opened the window takes it away with `remove`. */
export function makeDialog({ title, face, body, foot, close, small = false }) {
  const before = document.activeElement;
  const heading = h("h2", { id: "dialog-title" }, title);
  const box = h(
    "div",
    { class: small ? "dialog small" : "dialog", role: "dialog", "aria-modal": "true", "aria-labelledby": "dialog-title", tabIndex: -1 },
    h("div", { class: "dialog-head" }, face, heading, iconButton("close", "Close window", () => close(true), { class: "tool" })),
    h("div", { class: "dialog-body" }, body),
    h("div", { class: "dialog-foot" }, foot),
  );
  const shade = h("div", { class: "shade" }, box);

  shade.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !menuIsOpen()) {
      event.preventDefault();
      close(true);
    }
    if (event.key !== "Tab") return;
    const all = [...box.querySelectorAll(FOCUSABLE)].filter((one) => one.offsetParent);
    const edge = event.shiftKey ? all[0] : all.at(-1);
    if (document.activeElement === edge || document.activeElement === box) {
      event.preventDefault();
      (event.shiftKey ? all.at(-1) : all[0])?.focus();
    }
  });
  return {
    element: shade,
    heading,
    body: box.querySelector(".dialog-body"),
    foot: box.querySelector(".dialog-foot"),
    show(parent) {
      closeMenu();
      parent.append(shade);
      const first = [...box.querySelectorAll(".dialog-body input, .dialog-body textarea, .dialog-foot .primary, .dialog-foot .danger")];
      (first.find((one) => one.offsetParent) || box).focus();
    },
    remove() {
      shade.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
    },
  };
}

/** Asks before something is done. */
export function ask(parent, { title, text, confirm, deny = "Cancel", danger = false, act }) {
  const dialog = makeDialog({
    title,
    body: h("p", {}, text),
    small: true,
    close: () => dialog.remove(),
    foot: [
      h("button", { type: "button", class: "kit-button", onclick: () => dialog.remove() }, deny),
      h(
        "button",
        {
          type: "button",
          class: danger ? "kit-button danger" : "kit-button primary",
          onclick() {
            dialog.remove();
            act();
          },
        },
        confirm,
      ),
    ],
  });
  dialog.show(parent);
}
