// The emoji that the page offers for reactions and after a colon. The stand-in knows all others, too.

import { h } from "./dom.js";
import { move, popover } from "./menu.js";

export const OFFERED = new Map(
  Object.entries({
    white_check_mark: "✅", eyes: "👀", raised_hands: "🙌", thumbsup: "👍", thumbsdown: "👎", heart: "❤️", joy: "😂",
    smile: "😄", slightly_smiling_face: "🙂", wink: "😉", thinking_face: "🤔", cry: "😢", sob: "😭", sweat_smile: "😅",
    sunglasses: "😎", pray: "🙏", clap: "👏", wave: "👋", muscle: "💪", ok_hand: "👌", point_up: "☝️", tada: "🎉",
    fire: "🔥", rocket: "🚀", star: "⭐", sparkles: "✨", bulb: "💡", bell: "🔔", lock: "🔒", key: "🔑", mag: "🔍",
    memo: "📝", pushpin: "📌", paperclip: "📎", package: "📦", truck: "🚚", credit_card: "💳", moneybag: "💰",
    coffee: "☕", hourglass: "⌛", alarm_clock: "⏰", calendar: "📅", warning: "⚠️", x: "❌", question: "❓",
    exclamation: "❗", no_entry: "⛔", zzz: "💤", email: "📧", phone: "☎️", earth_asia: "🌏", sunny: "☀️",
  }),
);

export const QUICK = ["white_check_mark", "eyes", "raised_hands"];
const ACROSS = 8;

/** A table of emoji beside `anchor`; `chosen(name)` is called with one. */
export function emojiTable(anchor, chosen, options = {}) {
  const search = h("input", { type: "search", class: "field", placeholder: "Search emoji", "aria-label": "Search emoji" });
  const grid = h("div", { class: "emoji-grid", role: "listbox", "aria-label": "Emoji" });
  const box = h("div", { class: "emoji-table", role: "dialog", "aria-label": "Emoji" }, search, grid);

  function draw() {
    const words = search.value.trim().toLowerCase().replaceAll(" ", "_");
    const found = [...OFFERED].filter(([name]) => name.includes(words));
    grid.replaceChildren(
      ...found.map(([name, sign]) =>
        h(
          "button",
          { type: "button", role: "option", title: `:${name}:`, "aria-label": name.replaceAll("_", " "), onclick: () => take(name) },
          sign,
        ),
      ),
    );
  }

  function take(name) {
    close();
    chosen(name);
  }

  search.addEventListener("input", draw);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") grid.firstElementChild?.click();
    if (event.key === "ArrowDown") {
      event.preventDefault();
      grid.firstElementChild?.focus();
    }
  });
  grid.addEventListener("keydown", (event) => move(event, [...grid.children], ACROSS));
  draw();
  const close = popover(anchor, box, options);
  search.focus({ preventScroll: true });
}
