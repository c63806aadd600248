// The app's own page, and the list of threads: what stands in the middle in place of a channel.

import { makeBlocks } from "./blocks.js";
import { ago, moment } from "./dates.js";
import { fill, h, icon } from "./dom.js";
import { appFace, author } from "./face.js";

/** App Home with its tabs. */
export function makeHome(ui) {
  let tab = "home";
  let drawn = "";
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "App" });
  const body = h("div", { class: "scroll home", tabIndex: 0, role: "tabpanel", "aria-label": "Home" });
  const element = h("section", { class: "pane-body" }, tabs, body);

  const on = {
    click: (one) => ui.act("click", { on: "home", what: one.action_id }),
    select: (one, block, value) => ui.act("select", { on: "home", what: one.action_id, value }),
    confirm: (confirm, act) => ui.confirm(confirm, act),
  };

  function tabButton(name, label) {
    return h("button", { type: "button", role: "tab", "aria-selected": String(tab === name), onclick: () => choose(name) }, label);
  }

  function choose(name) {
    tab = name;
    drawn = "";
    draw();
  }

  function content() {
    if (tab === "about") {
      return h(
        "div",
        { class: "about" },
        appFace("large"),
        h("div", {}, h("h2", {}, ui.state.app.name), h("p", {}, ui.config.about), h("h3", {}, "Commands"), h("dl", {}, ui.config.commands.map((one) => [h("dt", {}, `${one.command} ${one.usage_hint || ""}`), h("dd", {}, one.description)]))),
      );
    }
    if (!ui.state.home) return h("p", { class: "nothing" }, "Nothing here yet. The app is being asked…");
    return makeBlocks({ text: ui.text, state: ui.state, on })(ui.state.home.blocks);
  }

  function draw() {
    const sign = JSON.stringify([tab, ui.state.me, ui.state.home?.hash]);
    if (sign === drawn) return;
    drawn = sign;
    const focused = body.contains(document.activeElement) ? document.activeElement.dataset.focus : "";
    const at = body.scrollTop;
    fill(tabs, tabButton("home", "Home"), tabButton("about", "About"));
    fill(body, content());
    body.scrollTop = at;
    if (focused) ([...body.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === focused) || body).focus();
  }

  return { element, draw };
}

/** All threads, the newest first. */
export function makeThreads(ui) {
  const list = h("div", { class: "scroll thread-list", tabIndex: 0 });
  const element = h("section", { class: "pane-body" }, list);

  function row(room, root, replies) {
    const last = replies.at(-1);
    const who = author(last, ui);
    const place = ui.reads.unread(root);
    return h(
      "button",
      { type: "button", class: place ? "thread-row unread" : "thread-row", onclick: () => ui.openThread(root.ts) },
      h("span", { class: "thread-where" }, icon("hash"), room.name, h("time", {}, ago(moment(last.ts)))),
      h("b", { class: "thread-title" }, ui.text.mrkdwn(root.text.split("\n")[0])),
      h("span", { class: "thread-last" }, who.face("tiny"), h("b", {}, who.name), " ", snippet(last)),
      h("span", { class: "thread-count" }, `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`, place && h("span", { class: "new" }, "New")),
    );
  }

  function snippet(message) {
    const line = message.text.split("\n")[0];
    return line ? h("span", { class: "snippet" }, ui.text.mrkdwn(line)) : h("span", { class: "snippet" }, message.files ? "sent a file" : "");
  }

  function draw() {
    const rows = ui.state.channels
      .filter((room) => room.id === ui.config.support)
      .flatMap((room) => room.messages.filter((one) => room.threads[one.ts]).map((root) => [room, root, room.threads[root.ts]]))
      .sort(([, , one], [, , other]) => Number(other.at(-1).ts) - Number(one.at(-1).ts));
    fill(list, rows.length ? rows.map((one) => row(...one)) : h("p", { class: "nothing" }, "No threads yet. Write something as a customer."));
  }

  return { element, draw };
}
