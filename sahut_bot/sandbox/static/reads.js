// What each person has read, as far as this page has shown it. What is older than the page counts as read.

export function makeReads(ui) {
  const seen = new Map();
  let from = null;

  const key = (place) => `${ui.state.me} ${place}`;
  const upto = (place) => seen.get(key(place)) ?? from;
  const newer = (one, other) => Number(one) > Number(other);

  function news(messages, place) {
    return messages.filter((one) => newer(one.ts, upto(place)) && one.user !== ui.state.me && !one.subtype?.startsWith("channel_"));
  }

  const calls = (message) =>
    JSON.stringify([message.text, message.blocks]).includes(`<@${ui.state.me}>`) ||
    JSON.stringify(message.blocks || []).includes(`"user_id":"${ui.state.me}"`);

  return {
    begin(state) {
      if (from !== null) return;
      const all = state.channels.flatMap((one) => [...one.messages, ...Object.values(one.threads).flat()]);
      from = all.reduce((newest, one) => (newer(one.ts, newest) ? one.ts : newest), "0");
    },
    /** Everything in a channel or thread up to now. */
    mark(place, messages) {
      const newest = messages.at(-1)?.ts;
      if (newest && newer(newest, upto(place))) seen.set(key(place), newest);
    },
    /** Are there unread replies under this message? */
    unread(message) {
      return Boolean(message.reply_count) && news(ui.channel.threads[message.ts] || [], message.ts).length > 0;
    },
    /** `{news, calls}` of a channel: unread messages in it, and unread mentions in it and its threads. */
    channel(room) {
      const fresh = news(room.messages, room.id);
      const replies = Object.entries(room.threads).flatMap(([ts, all]) => news(all, ts));
      return { news: fresh.length, replies: replies.length, calls: [...fresh, ...replies].filter(calls).length };
    },
  };
}
