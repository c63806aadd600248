// A list of messages: days between them, names left out where one person goes on, kept at its end while it grows.

import { author } from "./face.js";
import { dayName, moment } from "./dates.js";
import { h, patch } from "./dom.js";
import { makeEditor } from "./editor.js";
import { makeEphemeral, makeMessage } from "./message.js";
import { makeToolbar } from "./toolbar.js";

const GOES_ON = 5 * 60; // seconds

export function makeTimeline(ui, { label, inThread = false }) {
  const list = h("div", { class: "timeline", role: "feed", "aria-label": label });
  const scroll = h("div", { class: "scroll", tabIndex: 0, "aria-label": label, role: "region" }, list);
  let messages = [];
  let minute = 0;
  let pinned = false; // to the end, until somebody scrolls
  const toolbar = makeToolbar(list, ui, { inThread, find: (ts) => messages.find((one) => one.ts === ts) });

  for (const kind of ["wheel", "pointerdown", "keydown"]) scroll.addEventListener(kind, () => (pinned = false), { passive: true });
  // Up from the field below leads to the newest message, as Tab does to the list and arrows within it.
  scroll.addEventListener("keydown", (event) => {
    if (event.target !== scroll || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const all = list.querySelectorAll(".msg");
    if (all.length) {
      event.preventDefault();
      all[all.length - 1].focus();
    }
  });

  function items(all, ephemerals, divider) {
    const rows = [
      ...all.map((message) => ({ ts: message.ts, message })),
      ...ephemerals.map((ephemeral) => ({ ts: ephemeral.ts, ephemeral })),
    ].sort((one, other) => order(one.ts, other.ts));
    const made = [];
    let day = "";
    let before = null;
    for (const row of rows) {
      const date = moment(row.ts);
      const today = date.toDateString();
      if (today !== day && !inThread) {
        made.push({ key: `day:${today}`, sign: dayName(date), make: () => dayLine(dayName(date)) });
        before = null;
      }
      day = today;
      if (row.ephemeral) {
        made.push({ key: `e:${row.ts}`, sign: JSON.stringify(row.ephemeral), make: () => makeEphemeral(row.ephemeral, ui) });
        before = null;
        continue;
      }
      made.push(item(row.message, before, row.message === all[0]));
      before = row.message;
      if (divider && row.message === all[0]) {
        made.push({ key: "divider", sign: divider, make: () => h("div", { class: "reply-line" }, h("span", {}, divider)) });
        before = null;
      }
    }
    return made;
  }

  function item(message, before, first) {
    const options = { compact: goesOn(message, before), inThread, isRoot: inThread && first };
    const key = `m:${message.ts}`;
    if (ui.editing === message.ts && inThread === ui.editingInThread) {
      return { key, sign: "editing", make: () => makeEditor(message, ui) };
    }
    const sign = JSON.stringify([message, options, ui.state.me, !inThread && ui.reads.unread(message), minute]);
    return { key, sign, make: () => makeMessage(message, ui, options) };
  }

  function goesOn(message, before) {
    if (!before || before.subtype === "tombstone" || message.subtype === "thread_broadcast") return false;
    if (Number(message.ts) - Number(before.ts) > GOES_ON || (message.reply_count && !inThread)) return false;
    return author(message, ui).id === author(before, ui).id;
  }

  let shownOf = "";

  return {
    element: scroll,
    /** `name` tells one list's contents from another's: at a new one the end is shown. */
    draw(all, ephemerals, { divider = "", name = "" } = {}) {
      const fresh = name !== shownOf;
      const atEnd = fresh || pinned || scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
      shownOf = name;
      messages = all;
      minute = Math.floor(Date.now() / 60_000);
      patch(list, items(all, ephemerals, divider), {
        key: (one) => one.key,
        sign: (one) => one.sign,
        make: (one) => one.make(),
      });
      toolbar.settle();
      if (atEnd) scroll.scrollTop = scroll.scrollHeight;
    },
    end() {
      pinned = true;
      scroll.scrollTop = scroll.scrollHeight;
    },
    editLast() {
      const mine = messages.filter((one) => one.user === ui.state.me && !one.bot_id).at(-1);
      if (mine) ui.edit(mine.ts, inThread);
      return Boolean(mine);
    },
  };
}

function dayLine(name) {
  return h("div", { class: "day", role: "separator", "aria-label": name }, h("span", {}, name));
}

function order(one, other) {
  return Number(one) - Number(other) || (one < other ? -1 : 1);
}
