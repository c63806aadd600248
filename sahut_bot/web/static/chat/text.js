// Turns what people wrote into nodes. Nothing here ever becomes markup by itself: text goes into text nodes, and of the
// server's formatted text only the elements named below are built anew.

const URL_PATTERN = /\bhttps?:\/\/[^\s<>"'`{}|\\^\u0000-\u0020]+/giu;
const AFTER_URL = /[.,:;!?)\]}»”’*_~]+$/u;
const KEPT = new Set(["STRONG", "EM", "S", "CODE", "PRE", "BLOCKQUOTE", "UL", "OL", "LI", "P", "BR"]);
const SAFE_LINK = /^(?:https?:\/\/|mailto:|tel:)/i;
const DEEPEST = 24;

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  picture.append(use);
  return picture;
}

function anchor(href, ...children) {
  return element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

/** Plain text; bare http and https addresses become links. */
export function plain(text) {
  const made = document.createDocumentFragment();
  let end = 0;
  for (const found of text.matchAll(URL_PATTERN)) {
    let url = found[0];
    const closing = url.match(AFTER_URL);
    // A closing bracket belongs to the address when the address opened it.
    if (closing && !(closing[0].startsWith(")") && url.includes("("))) url = url.slice(0, -closing[0].length);
    if (!URL.canParse?.(url) && URL.canParse) continue;
    made.append(text.slice(end, found.index), anchor(url, url));
    end = found.index + url.length;
  }
  made.append(text.slice(end));
  return made;
}

/** The server's safe HTML. It is parsed in an inert document, and only what is in KEPT is rebuilt. */
export function rich(html) {
  const made = document.createDocumentFragment();
  rebuild(new DOMParser().parseFromString(html, "text/html").body, made, 0);
  return made;
}

function rebuild(from, into, depth) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) into.append(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE || depth > DEEPEST) continue;
    let target = into;
    if (node.tagName === "A" && SAFE_LINK.test(node.getAttribute("href") || "")) target = anchor(node.getAttribute("href"));
    else if (KEPT.has(node.tagName)) target = element(node.tagName);
    rebuild(node, target, depth + 1);
    if (target !== into) into.append(target);
  }
}
