// Making and changing elements. Text only ever becomes a text node, so what people write stays text.

/** An element: `h("button", { class: "x", onclick: f, "aria-label": "…", data: { id: 1 } }, "text", child, …)`. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  add(element, children);
  return element;
}

export function add(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false && child !== "") parent.append(child);
  }
  return parent;
}

export function fill(parent, ...children) {
  parent.replaceChildren();
  return add(parent, children);
}

const PATHS = {
  hash: "M9 3.5 7.5 20.5M16.5 3.5 15 20.5M4 8.5h17M3 15.5h17",
  close: "m6 6 12 12M18 6 6 18",
  back: "M19 12H5m6-6-6 6 6 6",
  send: "M4 12.5 3 4.5c-.1-.7.6-1.2 1.2-.9l16 7.5c.7.3.7 1.3 0 1.6l-16 7.5c-.6.3-1.3-.2-1.2-.9zM4 12h7",
  more: "M12 5.5v.1M12 12v.1M12 18.5v.1",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM8.5 14.5c1.8 2.3 5.2 2.3 7 0M9 9.5v.2M15 9.5v.2",
  reply: "M4.5 5.5h15v10.5h-8.5l-4 3.5v-3.5h-2.5zM8.5 9.5h7M8.5 12.5h4.5",
  threads: "M4.5 5.5h15v10.5h-8.5l-4 3.5v-3.5h-2.5zM8.5 9.5h7M8.5 12.5h4.5",
  clip: "m20 11-8.4 8.4a5.2 5.2 0 0 1-7.4-7.4l8.5-8.5a3.5 3.5 0 0 1 5 5l-8.5 8.4a1.7 1.7 0 0 1-2.5-2.4l7.8-7.8",
  eye: "M2.5 12s3.5-6.5 9.5-6.5 9.5 6.5 9.5 6.5-3.5 6.5-9.5 6.5-9.5-6.5-9.5-6.5ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5",
  down: "m6.5 9.5 5.5 5.5 5.5-5.5",
  lock: "M6 11h12v9.5H6zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11",
  people: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3 19.5c0-3.300 2.700-5.5 6-5.5s6 2.200 6 5.5M16 11.5a3 3 0 0 0 0-6M17.5 14.300c2.100.7 3.5 2.600 3.5 5.200",
  bold: "M7.5 4.5h5.5a3.700 3.700 0 0 1 0 7.400H7.5zM7.5 11.900h6.300a3.800 3.800 0 0 1 0 7.600H7.5z",
  italic: "M10.5 4.5h7M6.5 19.5h7M14.5 4.5l-5 15",
  strike: "M16.5 7.5c-.6-1.900-2.300-3-4.5-3-2.600 0-4.5 1.400-4.5 3.5 0 3.5 9 3 9 7.5 0 2.5-2 4-4.5 4-2.700 0-4.600-1.300-5-3.5M3.5 12h17",
  code: "m8 7-5 5 5 5M16 7l5 5-5 5",
  at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0Zm0 0c0 3.5 4.5 3.5 4.5-.5A8.5 8.5 0 1 0 17 19",
  sun: "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  menu: "M4 6.5h16M4 12h16M4 17.5h16",
  alert: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7.5v5.5M12 16.300v.1",
  check: "m5 12.5 4.5 4.5L19 7",
  reload: "M20 12a8 8 0 1 1-2.4-5.7L20 8.5M20 3.5v5h-5",
  download: "M12 4v11m-5-5 5 5 5-5M5 20h14",
};

/** A line drawing in the colour of the text around it; never spoken. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("class", `icon icon-${name}`);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  picture.append(path);
  return picture;
}

/** A button that shows a drawing and says `label` to those who do not see it. */
export function iconButton(name, label, onclick, props = {}) {
  return h("button", { type: "button", title: label, "aria-label": label, onclick, ...props }, icon(name));
}

/**
 * Makes `parent` show `items` in order, and leaves alone what is the same as before: an element is made anew only where
 * `sign(item)` has changed, so focus, selection and half-written text elsewhere stay. Focus inside a remade element
 * goes to its successor by `data-focus`.
 */
export function patch(parent, items, { key, sign, make }) {
  const before = new Map([...parent.children].map((element) => [element.dataset.key, element]));
  let place = parent.firstChild;
  for (const item of items) {
    const name = key(item);
    const signature = sign(item);
    const had = before.get(name);
    before.delete(name);
    let element = had;
    if (!had || had.signature !== signature) {
      element = make(item, had);
      element.dataset.key = name;
      element.signature = signature;
    }
    const old = had === element ? null : had;
    const focused = old?.contains(document.activeElement) ? document.activeElement : null;
    old?.replaceWith(element);
    if (old && place === old) place = element;
    if (element === place) place = place.nextSibling;
    else parent.insertBefore(element, place);
    if (focused) refocus(element, focused); // at last, as an element that is moved loses it
  }
  for (const element of before.values()) element.remove();
}

function refocus(element, focused) {
  const wanted = focused.dataset.focus;
  const successor = wanted && [...element.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === wanted);
  (successor || (element.tabIndex >= -1 && element.matches("[tabindex]") ? element : null))?.focus({ preventScroll: true });
}
