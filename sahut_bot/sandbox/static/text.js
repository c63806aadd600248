// mrkdwn, plain text and rich text as nodes.

import { formatted, moment, wholeMoment } from "./dates.js";
import { h } from "./dom.js";

const PERMALINK = /^https:\/\/[\w-]+\.slack\.com\/archives\/(\w+)\/p(\d{10})(\d{6})(?:\?thread_ts=([\d.]+).*)?$/;

/** Makes the reader of texts for one state of the workspace: `names` of people and channels, and their emoji. */
export function makeText(state) {
  const channels = new Map(state.channels.map((one) => [one.id, one.name]));
  const person = (id) => state.users[id]?.name || "someone";

  function emoji(name, big = false) {
    const sign = state.emoji[name];
    if (!sign) return `:${name}:`;
    return h("span", { class: big ? "emoji big" : "emoji", title: `:${name}:`, role: "img", "aria-label": name.replaceAll("_", " ") }, sign);
  }

  function mention(id) {
    const mine = id === state.me;
    return h("span", { class: mine ? "mention me" : "mention" }, `@${person(id)}`);
  }

  const broadcast = (range) => h("span", { class: "mention me" }, `@${range}`);
  const room = (id, label) => h("span", { class: "mention" }, `#${channels.get(id) || label || "a private channel"}`);

  function link(url, label) {
    const shown = label || url;
    if (!/^(https?|mailto):/i.test(url)) return shown;
    // A message of this workspace: the client goes there itself.
    const message = PERMALINK.exec(url);
    if (message) return h("a", { href: url, data: { channel: message[1], thread: message[4] || `${message[2]}.${message[3]}` } }, shown);
    return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, shown);
  }

  function date(seconds, format, url, fallback) {
    const when = moment(seconds);
    const text = Number.isFinite(when.getTime()) ? formatted(seconds, format) : fallback;
    return h("time", { title: wholeMoment(when) }, url ? link(url, text) : text);
  }

  // ---------------------------------------------------------------- mrkdwn

  function special(inside) {
    const [target, ...rest] = inside.split("|");
    const label = entities(rest.join("|"));
    if (target.startsWith("@")) return mention(target.slice(1));
    if (target.startsWith("#")) return room(target.slice(1), label);
    if (target.startsWith("!date^")) {
      const [, seconds, format, url] = target.split("^");
      return date(seconds, entities(format || ""), url, label);
    }
    if (target.startsWith("!subteam^")) return h("span", { class: "mention" }, label || "@group");
    if (target.startsWith("!")) return broadcast(target.slice(1));
    return link(entities(target), label);
  }

  const SPAN = new RegExp(
    [
      "<(?<special>[^<>\\n]+)>",
      // A mark beside a blank or an unseen word joiner neither opens nor closes.
      "`(?!\\u2060)(?<code>[^`\\n]*[^`\\n\\u2060])`",
      "(?<![\\w*])\\*(?![\\s\\u2060])(?<bold>[^*\\n]*[^*\\s\\u2060])\\*(?![\\w*])",
      "(?<![\\w_])_(?![\\s\\u2060])(?<italic>[^_\\n]*[^_\\s\\u2060])_(?![\\w_])",
      "(?<![\\w~])~(?![\\s\\u2060])(?<strike>[^~\\n]*[^~\\s\\u2060])~(?![\\w~])",
      ":(?<emoji>[a-z0-9_+'-]+(?:::skin-tone-[2-6])?):",
    ].join("|"),
    "gu",
  );
  const WRAP = { bold: "b", italic: "i", strike: "s" };

  function inline(source) {
    const nodes = [];
    let from = 0;
    for (const match of source.matchAll(SPAN)) {
      if (match.index > from) nodes.push(entities(source.slice(from, match.index)));
      const [kind, value] = Object.entries(match.groups).find(([, found]) => found !== undefined);
      if (kind === "special") nodes.push(special(value));
      else if (kind === "emoji") nodes.push(emoji(value));
      else if (kind === "code") nodes.push(h("code", {}, bare(value)));
      else nodes.push(h(WRAP[kind], {}, inline(value)));
      from = match.index + match[0].length;
    }
    if (from < source.length) nodes.push(entities(source.slice(from)));
    return nodes;
  }

  // Inside code there is no markup but links and names.
  function bare(source) {
    return entities(source.replace(/<([^<>|\n]+)(?:\|([^<>\n]*))?>/g, (whole, target, label) => label || target));
  }

  function lines(source) {
    const nodes = [];
    let quoted = [];
    const flush = () => {
      if (quoted.length) nodes.push(h("blockquote", {}, inline(quoted.join("\n"))));
      quoted = [];
    };
    let fresh = true;
    for (const line of source.split("\n")) {
      const quote = /^&gt; ?(.*)$/.exec(line);
      if (quote) {
        quoted.push(quote[1]);
        fresh = true;
        continue;
      }
      flush();
      if (!fresh) nodes.push("\n");
      nodes.push(...inline(line));
      fresh = false;
    }
    flush();
    return nodes;
  }

  function mrkdwn(source) {
    const parts = source.split("```");
    if (parts.length % 2 === 0) parts.push(`\`\`\`${parts.pop()}`);
    return parts.flatMap((part, index) => {
      if (index % 2) return h("pre", {}, bare(part.replace(/^\n|\n$/g, "")));
      return part ? lines(part.replace(index ? /^\n/ : /^(?!)/, "")) : [];
    });
  }

  function plain(object) {
    if (object.emoji === false) return [object.text];
    return object.text.split(/(:[a-z0-9_+'-]+:)/).map((part) => (/^:.+:$/.test(part) ? emoji(part.slice(1, -1)) : part));
  }

  // ---------------------------------------------------------------- rich text

  const MARKS = { bold: "b", italic: "i", strike: "s", code: "code" };

  function richPart(part) {
    const made = {
      text: () => part.text,
      emoji: () => emoji(part.skin_tone ? `${part.name}::skin-tone-${part.skin_tone}` : part.name),
      user: () => mention(part.user_id),
      channel: () => room(part.channel_id),
      broadcast: () => broadcast(part.range),
      usergroup: () => h("span", { class: "mention" }, "@group"),
      link: () => link(part.url, part.text),
      date: () => date(part.timestamp, part.format, part.url, part.fallback || ""),
    }[part.type];
    let node = made ? made() : "";
    for (const [style, tag] of Object.entries(MARKS)) if (part.style?.[style]) node = h(tag, {}, node);
    return node;
  }

  function richElement(element) {
    const inside = () => element.elements.map(richPart);
    switch (element.type) {
      case "rich_text_list": {
        const items = element.elements.map((item) => h("li", {}, item.elements.map(richPart)));
        return h(element.style === "ordered" ? "ol" : "ul", { data: { indent: element.indent || 0 } }, items);
      }
      case "rich_text_quote":
        return h("blockquote", {}, inside());
      case "rich_text_preformatted":
        return h("pre", {}, inside());
      default:
        return h("div", {}, inside());
    }
  }

  return {
    emoji,
    person,
    mrkdwn,
    object: (object) => (object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object)),
    rich: (block) => h("div", { class: "rich" }, block.elements.map(richElement)),
  };
}

export function entities(source) {
  return source.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** A message's text as it was typed, for editing; `people` are the members by id. */
export function typed(text, people) {
  const shown = text
    .replace(/<@([UW][A-Z0-9]+)(?:\|[^>]*)?>/g, (whole, id) => (people[id] ? `@${people[id].name}` : whole))
    .replace(/<!(here|channel|everyone)(?:\|[^>]*)?>/g, "@$1")
    .replace(/<(?:mailto:)?([^<>|]+)\|([^<>]+)>/g, "$2")
    .replace(/<([^<>|]+)>/g, "$1");
  return entities(shown);
}

/** What is typed, with the names of people turned into mentions, longest names first. */
export function withMentions(text, people) {
  const names = Object.entries(people)
    .filter(([, one]) => !one.deleted)
    .sort(([, one], [, other]) => other.name.length - one.name.length);
  let made = text;
  for (const [id, one] of names) made = made.replaceAll(`@${one.name}`, `<@${id}>`);
  return made;
}
