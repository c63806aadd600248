// A channel and a thread: their messages and the field under them.

import { makeComposer } from "./composer.js";
import { fill, h, icon, iconButton } from "./dom.js";
import { makeTimeline } from "./timeline.js";

async function say(ui, args, text, files) {
  if (files.length) {
    const { thread_ts = "" } = args;
    return (await ui.upload({ channel: args.channel, thread_ts, text }, files)).ok;
  }
  return (await ui.act("post", { ...args, text })).ok;
}

export function makeRoom(ui) {
  const timeline = makeTimeline(ui, { label: "Messages" });
  const empty = h("div", { class: "empty" });
  timeline.element.prepend(empty);
  const composer = makeComposer(ui, {
    label: "Message",
    placeholder: "",
    last: () => timeline.editLast(),
    async command(command, text) {
      timeline.end();
      await ui.act("slash", { channel: ui.channel.id, command, text });
    },
    async send(text, files) {
      const fine = await say(ui, { channel: ui.channel.id }, text, files);
      timeline.end();
      return fine;
    },
  });
  const element = h("section", { class: "pane-body" }, timeline.element, h("div", { class: "composer-place" }, composer.element));

  function beginning() {
    const support = ui.channel.id === ui.config.support;
    const words = support
      ? "What customers write becomes a thread here. Write something in the shop’s chat, and answer in its thread."
      : "Talk about anything here. The bot is not in this channel.";
    fill(empty, h("h3", {}, icon("hash"), ui.channel.name), h("p", {}, words));
  }

  return {
    element,
    focus: () => composer.focus(),
    clear: () => composer.clear(),
    shown: () => timeline.end(),
    draw() {
      const { channel } = ui;
      composer.rename(`Message #${channel.name}`);
      if (empty.dataset.of !== channel.id) {
        empty.dataset.of = channel.id;
        beginning();
      }
      const ephemerals = channel.ephemerals.filter((one) => !one.thread_ts && ui.isShown(one));
      timeline.draw(channel.messages, ephemerals, { name: `${ui.state.me} ${channel.id}` });
      if (document.visibilityState === "visible") ui.reads.mark(channel.id, channel.messages);
    },
  };
}

export function makeThread(ui, close) {
  const timeline = makeTimeline(ui, { label: "Thread", inThread: true });
  const also = h("input", { type: "checkbox" });
  const alsoWords = h("span", {});
  const composer = makeComposer(ui, {
    label: "Reply…",
    placeholder: "Reply…",
    last: () => timeline.editLast(),
    below: h("label", { class: "also" }, also, alsoWords),
    async send(text, files) {
      const fine = await say(ui, { channel: room().id, thread_ts: ui.thread, broadcast: also.checked }, text, files);
      also.checked = false;
      timeline.end();
      return fine;
    },
  });
  const where = h("span", { class: "thread-channel" });
  const element = h(
    "section",
    { class: "pane-body", "aria-label": "Thread" },
    h("header", { class: "pane-head" }, iconButton("back", "Back", close, { class: "tool narrow-only" }), h("h2", {}, "Thread"), where, h("span", { class: "grow" }), iconButton("close", "Close thread", close, { class: "tool wide-only" })),
    timeline.element,
    h("div", { class: "composer-place" }, composer.element),
  );
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !event.target.matches("textarea")) close();
  });

  const room = () => ui.channel;

  return {
    element,
    focus: () => composer.focus(),
    draw() {
      const { channel, thread } = ui;
      const root = channel.messages.find((one) => one.ts === thread);
      const replies = channel.threads[thread] || [];
      if (!root && !replies.length) return close();
      alsoWords.textContent = `Also send to #${channel.name}`;
      where.textContent = `# ${channel.name}`;
      const ephemerals = channel.ephemerals.filter((one) => one.thread_ts === thread && ui.isShown(one));
      const divider = replies.length ? `${replies.length} ${replies.length === 1 ? "reply" : "replies"}` : "";
      timeline.draw(root ? [root, ...replies] : replies, ephemerals, { divider, name: `${ui.state.me} ${thread}` });
      if (document.visibilityState === "visible") ui.reads.mark(thread, replies);
      return undefined;
    },
  };
}
