// One message: who, when, what, with its files, reactions and the way into its thread.

import { author } from "./face.js";
import { ago, clock, moment, wholeMoment } from "./dates.js";
import { h, icon } from "./dom.js";
import { emojiTable } from "./emoji.js";
import { file } from "./files.js";

const QUIET = new Set(["channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name"]);

/** What a message with blocks or none says, as elements. */
function body(message, ui) {
  const quiet = QUIET.has(message.subtype);
  const shown = message.blocks?.length
    ? ui.blocks({ on: message.ts, channel: ui.channel.id })(message.blocks)
    : message.text && h("div", { class: quiet ? "said quiet" : "said" }, ui.text.mrkdwn(message.text));
  const wasEdited = message.edited && (!ui.state.users[message.user]?.bot || !message.blocks);
  const mark = wasEdited && h("span", { class: "edited", title: wholeMoment(moment(message.edited.ts)) }, "(edited)");
  if (mark && shown instanceof Element) {
    shown.append(" ", mark);
    return shown;
  }
  if (mark && Array.isArray(shown)) (shown.at(-1)?.querySelector(":scope > :last-child") || shown.at(-1))?.append(" ", mark);
  return shown;
}

function reactions(message, ui) {
  if (!message.reactions?.length) return null;
  const chips = message.reactions.map((one) => {
    const mine = one.users.includes(ui.state.me);
    const names = one.users.map((id) => (id === ui.state.me ? "You" : ui.text.person(id)));
    const who = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0];
    return h(
      "button",
      {
        type: "button",
        class: mine ? "reaction mine" : "reaction",
        "aria-pressed": String(mine),
        "aria-label": `${one.count} reacted with ${one.name.replaceAll("_", " ")}: ${who}`,
        title: `${who} reacted with :${one.name}:`,
        data: { focus: `reaction-${one.name}`, reaction: one.name },
        onclick: () => ui.act("react", { channel: ui.channel.id, ts: message.ts, name: one.name }),
      },
      ui.text.emoji(one.name),
      h("span", { class: "count" }, String(one.count)),
    );
  });
  const adder = h("button", { type: "button", class: "reaction adder", title: "Add reaction…", "aria-label": "Add reaction" }, icon("smile"));
  adder.addEventListener("click", () => react(adder, message, ui));
  return h("div", { class: "reactions" }, chips, adder);
}

export function react(anchor, message, ui) {
  emojiTable(anchor, (name) => ui.act("react", { channel: ui.channel.id, ts: message.ts, name }));
}

/** The line under a message that leads into its thread. */
function replies(message, ui) {
  if (!message.reply_count) return null;
  const unread = ui.reads.unread(message);
  const faces = message.reply_users.slice(0, 3).map((id) => {
    const fake = ui.state.users[id] ? { user: id } : { username: ui.state.app.name };
    return author(fake, ui).face("tiny");
  });
  return h(
    "button",
    {
      type: "button",
      class: unread ? "replies unread" : "replies",
      data: { focus: "replies" },
      onclick: () => ui.openThread(message.ts),
    },
    h("span", { class: "faces" }, faces),
    h("span", { class: "count" }, `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`),
    unread && h("span", { class: "new" }, "New"),
    h("span", { class: "last" }, `Last reply ${ago(moment(message.latest_reply))}`),
    h("span", { class: "view" }, "View thread"),
  );
}

/** Above a reply that is shown in the channel too. */
function broadcast(message, ui, inThread) {
  if (message.subtype !== "thread_broadcast") return null;
  if (inThread) return h("div", { class: "above" }, "Also sent to the channel");
  const parent = ui.channel.messages.find((one) => one.ts === message.thread_ts);
  const words = (parent?.text || "a message").split("\n")[0];
  return h(
    "div",
    { class: "above" },
    "replied to a thread: ",
    h("button", { type: "button", class: "link", onclick: () => ui.openThread(message.thread_ts) }, ui.text.mrkdwn(words)),
  );
}

/** `compact`: the same person goes on, so the name is not said again. */
export function makeMessage(message, ui, { compact = false, inThread = false, isRoot = false } = {}) {
  const when = moment(message.ts);
  const who = author(message, ui);
  if (message.subtype === "tombstone") {
    return h(
      "div",
      { class: "msg tombstone", tabIndex: -1, data: { ts: message.ts } },
      h("div", { class: "gutter" }, h("span", { class: "face" }, icon("close"))),
      h("div", { class: "content" }, h("div", { class: "said quiet" }, message.text), !inThread && replies(message, ui)),
    );
  }
  const time = h("time", { class: "time", title: wholeMoment(when), datetime: when.toISOString() }, clock(when));
  const name = h(
    "div",
    { class: "who" },
    h("b", {}, who.name),
    who.app && h("span", { class: "badge" }, "APP"),
    who.guest && h("span", { class: "badge" }, "GUEST"),
    time,
  );
  return h(
    "div",
    {
      class: compact ? "msg compact" : "msg",
      role: "article",
      "aria-label": `${who.name}, ${clock(when)}`,
      tabIndex: -1,
      data: { ts: message.ts },
    },
    h("div", { class: "gutter" }, compact ? time : who.face()),
    h(
      "div",
      { class: "content" },
      !compact && name,
      broadcast(message, ui, inThread),
      body(message, ui),
      message.files?.length ? h("div", { class: "files" }, message.files.map(file)) : null,
      reactions(message, ui),
      !inThread && !isRoot && replies(message, ui),
    ),
  );
}

/** Shown to one person alone. */
export function makeEphemeral(one, ui) {
  const when = moment(one.ts);
  const shown = one.blocks.length
    ? ui.blocks({ on: one.ts, channel: ui.channel.id })(one.blocks)
    : h("div", { class: "said" }, ui.text.mrkdwn(one.text));
  return h(
    "div",
    { class: "msg ephemeral", role: "article", "aria-label": `Only visible to you: ${ui.state.app.name}`, tabIndex: -1, data: { ts: one.ts } },
    h("div", { class: "gutter" }, icon("eye"), author({ username: ui.state.app.name }, ui).face()),
    h(
      "div",
      { class: "content" },
      h("div", { class: "only" }, "Only visible to you"),
      h("div", { class: "who" }, h("b", {}, ui.state.app.name), h("span", { class: "badge" }, "APP"), h("time", { class: "time", title: wholeMoment(when) }, clock(when))),
      shown,
      h("button", { type: "button", class: "link dismiss", onclick: () => ui.dismiss(one.ts) }, "Dismiss message"),
    ),
  );
}

