// What has been on the screen: the chat open, the page visible, the message in view. The rest counts as unread.

const GATHER_MILLISECONDS = 250;

/** `on.read(ids)` hears what was seen, `on.unread(count)` each change of what was not. */
export function reads({ scroll, on }) {
  const unread = new Map();
  const inView = new Set();
  let open = false;
  let timer = 0;

  const observer = new IntersectionObserver(
    (changes) => {
      for (const change of changes) {
        // A message that is taller than the view can never be half inside of it.
        const enough = change.intersectionRatio >= 0.5 || change.intersectionRect.height >= change.rootBounds?.height / 2;
        if (change.isIntersecting && enough) inView.add(change.target);
        else inView.delete(change.target);
      }
      look();
    },
    { root: scroll, threshold: [0, 0.25, 0.5, 0.75, 1] },
  );

  function look() {
    if (timer || !open || document.visibilityState !== "visible") return;
    timer = setTimeout(() => {
      timer = 0;
      if (!open || document.visibilityState !== "visible") return;
      const seen = [...inView].map((line) => line.dataset.id).filter((id) => unread.has(id));
      for (const id of seen) {
        observer.unobserve(unread.get(id));
        inView.delete(unread.get(id));
        unread.delete(id);
      }
      if (!seen.length) return;
      on.read(seen);
      on.unread(unread.size);
    }, GATHER_MILLISECONDS);
  }
  document.addEventListener("visibilitychange", look);

  return {
    expect(id, line) {
      unread.set(id, line);
      observer.observe(line);
      on.unread(unread.size);
    },
    setOpen(yes) {
      open = yes;
      look();
    },
    clear() {
      for (const line of unread.values()) observer.unobserve(line);
      unread.clear();
      inView.clear();
      on.unread(0);
    },
    get count() {
      return unread.size;
    },
  };
}
