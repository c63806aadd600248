// The list of channels and the app.

import { fill, h, icon } from "./dom.js";
import { appFace } from "./face.js";

export function makeSidebar(element, ui) {
  function entry(face, label, { place, act, bold = false, badge = 0, dot = false }) {
    const chosen = ui.place === place;
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: bold ? "entry bold" : "entry", "aria-current": chosen ? "page" : undefined, data: { focus: place }, onclick: act },
        face,
        h("span", { class: "entry-label" }, label),
        badge > 0 && h("span", { class: "count-badge", "aria-label": `${badge} mentions` }, String(badge)),
        !badge && dot && h("span", { class: "dot", "aria-label": "unread" }),
      ),
    );
  }

  return function draw() {
    const focused = element.contains(document.activeElement) ? document.activeElement.dataset.focus : "";
    const rooms = ui.state.channels.filter((one) => one.kind !== "im");
    const replies = rooms.reduce((sum, one) => sum + ui.reads.channel(one).replies, 0);
    fill(
      element,
      h("ul", {}, entry(icon("threads"), "Threads", { place: "threads", act: () => ui.go("threads"), bold: replies > 0, dot: replies > 0 })),
      h("h3", {}, "Channels"),
      h(
        "ul",
        {},
        rooms.map((room) => {
          const { news, calls } = ui.reads.channel(room);
          const face = icon(room.kind === "group" ? "lock" : "hash");
          return entry(face, room.name, { place: room.id, act: () => ui.go(room.id), bold: news > 0, badge: calls });
        }),
      ),
      ui.state.app.home_tab && [
        h("h3", {}, "Apps"),
        h("ul", {}, entry(appFace("tiny"), ui.state.app.name, { place: "home", act: () => ui.go("home") })),
      ],
    );
    if (focused) element.querySelector(`[data-focus="${focused}"]`)?.focus();
  };
}
