// Files in messages: pictures are shown, the rest is offered for download.

import { h, icon } from "./dom.js";

const SHOWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const GONE = { tombstone: "This file was deleted.", hidden_by_limit: "This file is hidden by the plan's limit." };
const COLOURS = { pdf: "#e03e2d", doc: "#2b6cb0", docx: "#2b6cb0", xls: "#1f8f5f", xlsx: "#1f8f5f", csv: "#1f8f5f", zip: "#7a6a3a" };

export const address = (file) => `/demo/files/${file.id}/${encodeURIComponent(file.name)}`;

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function file(one) {
  if (GONE[one.mode]) return h("div", { class: "file gone" }, icon("file"), GONE[one.mode]);
  if (SHOWN.has(one.mimetype)) {
    const picture = h("img", { src: address(one), alt: one.alt_txt || one.title, loading: "lazy" });
    return h(
      "figure",
      { class: "picture" },
      h("figcaption", {}, one.title),
      h("a", { href: address(one), target: "_blank", rel: "noopener" }, picture),
    );
  }
  const face = h("span", { class: "file-face" }, icon("file"));
  face.style.setProperty("--face", COLOURS[one.filetype] || "#5b6b82");
  return h(
    "a",
    { class: "file", href: address(one), download: one.name },
    face,
    h("span", { class: "file-words" }, h("b", {}, one.title), h("small", {}, `${(one.filetype || "file").toUpperCase()} · ${size(one.size)}`)),
    icon("download"),
  );
}
