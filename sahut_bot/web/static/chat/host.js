// Talks with the loader in the site that embeds us. Only with the window that holds our frame, and only with an origin
// that may hold it; alone on a page there is nobody to talk to.

const RECALL_MILLISECONDS = 1500;

/** `on` has a function for each kind of message. */
export function host({ origins, on }) {
  if (parent === window) return { embedded: false, tell() {}, keep() {}, recall: async () => ({}) };
  let origin = "";
  let recalled = null;

  const may = (one) => one === location.origin || origins.includes(one);
  addEventListener("message", (event) => {
    if (event.source !== parent || !may(event.origin)) return;
    const { sahut, type, value } = event.data || {};
    if (sahut !== 1) return;
    if (type === "kept") recalled?.(value || {});
    else if (Object.hasOwn(on, type)) on[type](value);
  });
  // Who holds us is what the browser says; the policy of this page has let in nobody else.
  for (const known of [location.ancestorOrigins?.[0], referrer()]) if (!origin && known && may(known)) origin = known;

  function referrer() {
    try {
      return new URL(document.referrer).origin;
    } catch {
      return "";
    }
  }

  function tell(type, value) {
    for (const target of origin ? [origin] : [location.origin, ...origins]) {
      parent.postMessage({ sahut: 1, type, value }, target);
    }
  }

  return {
    embedded: true,
    tell,
    keep: (values) => tell("keep", values),
    /** What `keep` was given the last time; nothing from a site that does not answer. */
    recall: () =>
      new Promise((resolve) => {
        recalled = resolve;
        setTimeout(() => resolve({}), RECALL_MILLISECONDS);
        tell("recall");
      }),
  };
}
