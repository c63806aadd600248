// A line that says what went wrong, and goes away.

import { h, icon } from "./dom.js";

const SECONDS = 6;

export function toast(words) {
  const place = document.getElementById("toasts");
  const shown = h("div", { class: "toast" }, icon("alert"), h("span", {}, words));
  place.append(shown);
  setTimeout(() => shown.remove(), SECONDS * 1000);
}
