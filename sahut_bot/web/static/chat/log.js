// The conversation on the screen: messages in their order, grouped, dated, with what became of one's own.

import { element, icon, plain, rich } from "./text.js";

const GROUP_SECONDS = 300;

/** `on` has retry(id), discard(id) and shown(item) for each of the team's messages that is new to the screen. */
export function log({ list, words, on }) {
  const items = [];
  const byId = new Map();
  const { say } = words;

  /** A message of the feed: new, changed, or the server's copy of one that we sent. */
  function take(message) {
    const known = byId.get(message.id);
    const item = known || { id: message.id, mine: message.from === "customer" };
    Object.assign(item, {
      author: message.author || "",
      text: message.text,
      html: message.html,
      files: message.attachments,
      at: new Date(message.at),
      edited: Boolean(message.edited),
      deleted: Boolean(message.deleted),
      state: "sent",
    });
    if (!known) insert(item);
    draw(item);
    if (!known && !item.mine) on.shown(item, message);
    return !known;
  }

  /** One's own message that has not arrived yet. */
  function own(entry, state) {
    const known = byId.get(entry.id);
    const item = known || {
      id: entry.id,
      mine: true,
      text: entry.text,
      files: entry.files,
      at: new Date(entry.at),
    };
    if (known && known.state === "sent") return;
    item.state = state;
    if (!known) insert(item, true);
    draw(item);
  }

  function insert(item, last = false) {
    byId.set(item.id, item);
    item.element = element("li", { class: "msg new", "data-id": item.id });
    // What is not sent yet stays below what has arrived.
    let at = items.length;
    while (!last && at > 0 && items[at - 1].state !== "sent") at -= 1;
    items.splice(at, 0, item);
    list.insertBefore(item.element, items[at + 1]?.element ?? null);
  }

  function forget(id) {
    const item = byId.get(id);
    if (!item) return;
    byId.delete(id);
    items.splice(items.indexOf(item), 1);
    item.element.remove();
    arrange();
  }

  function clear() {
    items.length = 0;
    byId.clear();
    list.replaceChildren();
  }

  // ---------------------------------------------------------------- one message

  function draw(item) {
    const { element: line, mine, state, deleted } = item;
    line.classList.toggle("mine", mine);
    line.classList.toggle("gone", Boolean(deleted));
    line.classList.toggle("pending", state === "sending" || state === "waiting");
    line.classList.toggle("failed", state === "failed");
    const parts = [heading(item)];
    const body = deleted ? say("deleted") : item.text.trim() && (item.html ? rich(item.html) : plain(item.text));
    if (body) parts.push(element("div", { class: "bubble", dir: "auto" }, body));
    if (item.files?.length && !deleted) parts.push(files(item));
    item.meta = element("div", { class: "meta" });
    parts.push(item.meta);
    line.replaceChildren(...parts);
    if (!mine) line.append(avatar(item));
  }

  function heading(item) {
    if (item.mine) return element("span", { class: "spoken" }, say("youSaid"));
    const name = item.author || say("agent");
    const line = element("p", { class: "author", dir: "auto" }, element("span", { "aria-hidden": "true" }, name));
    line.append(element("span", { class: "spoken" }, say("saidBy", { name })));
    return line;
  }

  function avatar(item) {
    const name = item.author || say("agent");
    const made = element("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
    let hue = 0;
    for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 360;
    made.style.setProperty("--hue", String(hue));
    return made;
  }

  function files(item) {
    // The same files stay as they are: a picture that is sent must not flicker.
    const key = item.files.map((file) => file.id).join();
    if (item.filesKey === key) return item.filesElement;
    item.filesKey = key;
    item.filesElement = element("div", { class: "files" }, ...item.files.map(file));
    return item.filesElement;
  }

  function file(one) {
    const target = one.url ? { href: one.url, target: "_blank", rel: "noopener noreferrer" } : {};
    const size = words.size(one.size);
    if (one.url && (one.inline || one.preview)) {
      const image = element("img", { src: one.url, alt: one.name, loading: "lazy", decoding: "async" });
      return element("a", { ...target, class: "picture", title: `${one.name}, ${size}` }, image);
    }
    return element(
      one.url ? "a" : "div",
      { ...target, class: "file" },
      icon("file"),
      element("span", {}, element("b", { dir: "auto" }, one.name), element("small", {}, size)),
    );
  }

  // ---------------------------------------------------------------- all of them

  /** Groups neighbours, puts days between them, and says of the last of a group when it was and how it stands. */
  function arrange() {
    for (const day of list.querySelectorAll(".day")) day.remove();
    items.forEach((item, at) => {
      const before = items[at - 1];
      const newDay = !before || before.at.toDateString() !== item.at.toDateString();
      const first = newDay || !together(before, item);
      const next = items[at + 1];
      const last = !next || next.at.toDateString() !== item.at.toDateString() || !together(item, next);
      item.element.classList.toggle("first", first);
      item.element.classList.toggle("last", last);
      if (newDay) item.element.before(element("li", { class: "day" }, words.day(item.at)));
      describe(item, last);
    });
  }

  function describe(item, last) {
    const { meta, state } = item;
    const parts = [];
    if (state === "failed") {
      const retry = element("button", { type: "button" }, say("retry"));
      const discard = element("button", { type: "button" }, say("discard"));
      retry.onclick = () => on.retry(item.id);
      discard.onclick = () => on.discard(item.id);
      parts.push(icon("alert"), element("span", {}, say("failed")), retry, discard);
    } else if (state === "sent") {
      const time = element("time", { datetime: item.at.toISOString() }, words.time(item.at));
      if (item.edited && !item.deleted) parts.push(element("span", {}, `${say("edited")} ·`));
      if (last || item.edited) parts.push(time);
      if (last && item.mine) parts.push(icon("check"), element("span", { class: "spoken" }, say("sent")));
    } else {
      parts.push(element("span", {}, say(state === "waiting" ? "waiting" : "sending")), icon("clock"));
    }
    meta.replaceChildren(...parts);
    meta.hidden = parts.length === 0;
  }

  return {
    take,
    own,
    forget,
    clear,
    arrange,
  };
}

function together(one, other) {
  return (
    one.mine === other.mine &&
    one.author === other.author &&
    one.state !== "failed" &&
    Math.abs(other.at - one.at) < GROUP_SECONDS * 1000
  );
}

export function initials(name) {
  const parts = name.trim().split(/\s+/).filter(Boolean);
  const letters = [parts[0], parts.length > 1 ? parts.at(-1) : ""].map((part) => [...(part || "")][0] || "");
  return letters.join("").toUpperCase() || "?";
}
