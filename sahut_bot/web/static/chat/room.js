// How the page looks and speaks before anything happens: language, direction, theme, colour, words of the buttons.

const RIGHT_TO_LEFT = /^(ar|fa|he|ur|ps|sd|ug|yi|dv|ckb)\b/;

export function dress({ at, asked, config, words, embedded, initials }) {
  const { say } = words;
  const page = document.documentElement;
  page.lang = words.language;
  page.dir = RIGHT_TO_LEFT.test(asked.get("lang") || "") ? "rtl" : "ltr";
  if (embedded) page.dataset.embedded = "";
  paint(page, asked.get("theme"), asked.get("color") || "");

  document.title = config.name;
  at("title").textContent = config.name;
  at("face").textContent = initials(config.name);
  at("subtitle").textContent = say("subtitle");
  at("greeting").textContent = asked.get("greeting") || config.greeting || say("greeting");
  at("promise").textContent = say("promise");
  at("minimise").hidden = !embedded;
  label(at("minimise"), say("minimise"));
  label(at("attach"), say("attach"));
  label(at("send"), say("send"));
  at("scroll").setAttribute("aria-label", say("conversation"));
  at("log").setAttribute("aria-label", say("conversation"));
  at("text-label").textContent = say("message");
  at("text").placeholder = say("write");
  at("drop").firstElementChild.textContent = say("drop");
  if (embedded) {
    at("panel").setAttribute("role", "dialog");
    at("panel").setAttribute("aria-modal", "true");
  }
}

function label(button, text) {
  button.setAttribute("aria-label", text);
  button.title = text;
}

function paint(page, theme, colour) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    page.dataset.theme = theme === "dark" || theme === "light" ? theme : dark.matches ? "dark" : "light";
    if (/^#[0-9a-f]{6}$/i.test(colour)) tint(page, colour);
  };
  dark.addEventListener("change", apply);
  apply();
}

/** The site's colour, and the letters on it that can be read best. As text on paper it is made dark or light enough. */
function tint(page, colour) {
  const parts = [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
  const light = luminance(parts);
  const white = 1.05 / (light + 0.05) >= (light + 0.05) / 0.05; // one of the two is always above 4.5
  page.style.setProperty("--accent", colour);
  page.style.setProperty("--on-accent", white ? "#ffffff" : "#000000");
  page.style.setProperty("--away", white ? "#000" : "#fff");
  page.style.setProperty("--accent-ink", readable(parts, page.dataset.theme === "dark"));
}

function luminance(parts) {
  const [r, g, b] = parts.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function readable(parts, onDark) {
  const paper = luminance(onDark ? [0x26, 0x2a, 0x33] : [0xf1, 0xf3, 0xf8]);
  const target = onDark ? 255 : 0;
  for (let share = 0; share <= 1; share += 0.05) {
    const mixed = parts.map((part) => Math.round(part + (target - part) * share));
    const [low, high] = [paper, luminance(mixed)].sort((one, other) => one - other);
    if ((high + 0.05) / (low + 0.05) >= 4.6) return `rgb(${mixed.join(" ")})`;
  }
  return onDark ? "#fff" : "#000";
}

/** Tab goes round inside, and Escape leaves. Only the open chat can have the focus, so there is nothing to undo. */
export function trapFocus(panel, leave) {
  const reachable = "a[href], button:not(:disabled), input:not([type=file]), textarea, [tabindex='0']";
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) {
      event.preventDefault();
      leave();
    }
    if (event.key !== "Tab") return;
    const all = [...panel.querySelectorAll(reachable)].filter((one) => one.getClientRects().length > 0);
    const ends = event.shiftKey ? [all[0], all.at(-1)] : [all.at(-1), all[0]];
    if (document.activeElement === ends[0] || !panel.contains(document.activeElement)) {
      event.preventDefault();
      ends[1]?.focus();
    }
  });
}
