// The demo's page: the customer on the left, the team on the right.

import { icon, fill } from "./dom.js";
import { makeTeam } from "./team.js";

const config = JSON.parse(document.getElementById("config").textContent);
const at = (id) => document.getElementById(id);

// ---------------------------------------------------------------- light and dark

const asked = new URLSearchParams(location.search);
const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
let theme = asked.get("theme") || remembered("theme") || system;

function remembered(name) {
  try {
    return sessionStorage.getItem(`demo:${name}`);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    sessionStorage.setItem(`demo:${name}`, value);
  } catch {
    // Until the page is closed, then.
  }
}

function dress() {
  document.documentElement.dataset.theme = theme;
  const other = theme === "dark" ? "light" : "dark";
  fill(at("theme"), icon(other === "dark" ? "moon" : "sun"));
  at("theme").setAttribute("aria-label", `Use ${other} colours`);
  at("theme").title = `Use ${other} colours`;
}

function loadShop() {
  at("shop").src = `/demo/shop?theme=${theme}`;
}

at("theme").addEventListener("click", () => {
  theme = theme === "dark" ? "light" : "dark";
  remember("theme", theme);
  dress();
  loadShop();
});
dress();
loadShop();
fill(at("reload"), icon("reload"));
at("reload").addEventListener("click", loadShop);

// ---------------------------------------------------------------- two sides, or one at a time

// When what had the focus inside a frame is hidden, Chromium moves the focus there from wherever it is by then.
function blurInside(element) {
  const inside = (element.shadowRoot || element.contentDocument)?.activeElement;
  if (!inside) return;
  blurInside(inside);
  inside.blur();
}

function showSide(name) {
  if (name !== "customer") blurInside(at("shop"));
  document.body.dataset.side = name;
  for (const tab of document.querySelectorAll(".sides [role=tab]")) {
    const chosen = tab.dataset.side === name;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
}

for (const tab of document.querySelectorAll(".sides [role=tab]")) {
  tab.addEventListener("click", () => showSide(tab.dataset.side));
  tab.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    const other = tab.nextElementSibling || tab.previousElementSibling;
    showSide(other.dataset.side);
    other.focus();
  });
}
showSide("customer");

makeTeam(at("team"), config);
