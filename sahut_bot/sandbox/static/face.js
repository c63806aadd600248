// The square pictures beside names.

import { h } from "./dom.js";

const COLOURS = ["#1d7a8c", "#a23b72", "#c06014", "#4b5fc1", "#3c7a3f", "#8a4fbd", "#b23a48", "#5a6b2e"];

function colour(name) {
  let sum = 0;
  for (const sign of name) sum = (sum * 3 + sign.codePointAt(0)) % 1009;
  return COLOURS[sum % COLOURS.length];
}

export function initials(name) {
  const words = name.replace(/\(.*\)/g, "").trim().split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase() || "?";
}

export function face(name, size = "", picture = "") {
  if (picture) return h("span", { class: `face ${size}`, "aria-hidden": "true" }, picture);
  const made = h("span", { class: `face ${size}`, "aria-hidden": "true" }, initials(name));
  made.style.setProperty("--face", colour(name));
  return made;
}

export const appFace = (size = "") => h("img", { class: `face ${size}`, src: "/demo/static/sahut.svg", alt: "" });

/** Who wrote a message: their name, their picture, whether it is an app, whether it is a person who is here. */
export function author(message, ui) {
  const person = ui.state.users[message.user];
  if (message.username || !person || person.bot) {
    const name = message.username || ui.state.app.name;
    const sign = message.icons?.emoji && ui.state.emoji[message.icons.emoji.replaceAll(":", "")];
    return { name, app: true, id: `app:${name}`, face: (size) => (sign ? face(name, `${size} sign`, sign) : appFace(size)) };
  }
  return { name: person.name, app: false, id: message.user, guest: person.guest, face: (size) => face(person.name, size) };
}
