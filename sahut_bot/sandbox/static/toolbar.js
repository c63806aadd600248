// What can be done with a message: the buttons over it, the menu behind them, and the keys.

import { h, icon } from "./dom.js";
import { QUICK, OFFERED } from "./emoji.js";
import { appFace } from "./face.js";
import { menu } from "./menu.js";
import { react } from "./message.js";

function isMine(message, ui) {
  return message.user === ui.state.me && !message.bot_id && !message.subtype?.startsWith("channel_");
}

function mayDelete(message, ui) {
  return isMine(message, ui) || ui.actor().part === "admin";
}

function startEditing(message, ui, inThread) {
  if (isMine(message, ui)) ui.edit(message.ts, inThread);
}

function remove(message, ui) {
  ui.ask({
    title: "Delete message",
    text: "Are you sure you want to delete this message? This cannot be undone.",
    confirm: "Delete",
    danger: true,
    act: () => ui.act("delete", { channel: ui.channel.id, ts: message.ts }),
  });
}

function more(anchor, message, ui, inThread) {
  const shortcuts = ui.config.shortcuts.map((one) => ({
    label: one.name,
    hint: ui.state.app.name,
    face: appFace("tiny"),
    act: () => ui.act("shortcut", { channel: ui.channel.id, ts: message.ts, callback_id: one.callback_id }),
  }));
  const own = [];
  if (isMine(message, ui)) own.push({ label: "Edit message", hint: "E", act: () => startEditing(message, ui, inThread) });
  if (mayDelete(message, ui)) own.push({ label: "Delete message…", hint: "Delete", danger: true, act: () => remove(message, ui) });
  const reply = inThread ? [] : [{ label: "Reply in thread", hint: "T", act: () => ui.openThread(message.thread_ts || message.ts) }];
  menu(anchor, "Message actions", [...reply, { title: "Message shortcuts" }, ...shortcuts, ...(own.length ? [null, ...own] : [])]);
}

/** One set of buttons for a list of messages; it is over the message that is pointed at or has the focus. */
export function makeToolbar(list, ui, { inThread, find }) {
  let message = null;
  const tool = (props, label, face, act) =>
    h("button", { type: "button", class: "tool", title: label, "aria-label": label, onclick: (event) => act(event.currentTarget), ...props }, face);

  const bar = h(
    "div",
    { class: "toolbar", role: "group", "aria-label": "Message actions" },
    QUICK.map((name) =>
      tool({ data: { quick: name } }, `React with ${name.replaceAll("_", " ")}`, h("span", { class: "emoji" }, OFFERED.get(name)), () =>
        ui.act("react", { channel: ui.channel.id, ts: message.ts, name }),
      ),
    ),
    tool({ "aria-haspopup": "dialog" }, "Find another reaction", icon("smile"), (anchor) => react(anchor, message, ui)),
    !inThread && tool({}, "Reply in thread", icon("reply"), () => ui.openThread(message.thread_ts || message.ts)),
    tool({ "aria-haspopup": "menu" }, "More actions", icon("more"), (anchor) => more(anchor, message, ui, inThread)),
  );

  function over(element) {
    if (!element || element.matches(".ephemeral, .tombstone, .editing")) return;
    const found = find(element.dataset.ts);
    if (!found) return;
    message = found;
    if (bar.parentElement !== element) element.append(bar);
  }

  function point(event) {
    // While a menu hangs on the buttons they stay where they are.
    if (!bar.querySelector("[aria-expanded=true]")) over(event.target.closest(".msg"));
  }

  // Once they are shown it takes a move: when the list grows under a hand at rest, they must not go to another message.
  list.addEventListener("pointermove", point);
  list.addEventListener("pointerover", (event) => bar.isConnected || point(event));
  list.addEventListener("focusin", (event) => over(event.target.closest(".msg")));
  list.addEventListener("pointerleave", () => {
    if (bar.querySelector("[aria-expanded=true]") || bar.contains(document.activeElement)) return;
    bar.remove();
    message = null;
  });
  list.addEventListener("keydown", (event) => keys(event));

  function keys(event) {
    const element = event.target;
    if (!element.matches(".msg") || event.ctrlKey || event.metaKey || event.altKey) return;
    const known = find(element.dataset.ts);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const all = [...list.querySelectorAll(".msg")];
      const next = all[all.indexOf(element) + (event.key === "ArrowDown" ? 1 : -1)];
      event.preventDefault();
      if (next) next.focus();
      else if (event.key === "ArrowDown") ui.focusComposer(inThread);
      return;
    }
    if (!known) return;
    const press = {
      e: () => startEditing(known, ui, inThread),
      r: () => react(bar.querySelector(".tool:nth-of-type(4)"), known, ui),
      t: () => ui.openThread(known.thread_ts || known.ts),
      Enter: () => ui.openThread(known.thread_ts || known.ts),
      Delete: () => mayDelete(known, ui) && remove(known, ui),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (press) {
      event.preventDefault();
      press();
    }
  }

  return {
    /** After the list was drawn anew: back over the message it was over. */
    settle() {
      if (!message) return;
      message = find(message.ts) || null;
      if (message && !bar.isConnected) over(list.querySelector(`.msg[data-ts="${message.ts}"]`));
    },
  };
}

