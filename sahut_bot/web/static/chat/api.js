// The HTTP side of the server's contract.

export class ApiError extends Error {
  /** `status` 0: no answer came. `retryAfter` in seconds, 0 when the server did not say. */
  constructor(status, code = "", retryAfter = 0) {
    super(code || `HTTP ${status}`);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export function uuid() {
  // Not every site is served over TLS, and without it randomUUID is missing.
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export function api(base) {
  async function call(method, path, { token, body, signal, seconds = 20 } = {}) {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), seconds * 1000);
    signal?.addEventListener("abort", () => limit.abort(), { once: true });
    try {
      const answer = await fetch(new URL(path, base), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: limit.signal,
        credentials: "omit",
        cache: "no-store",
      });
      const value = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new ApiError(answer.status, value.error, Number(answer.headers.get("Retry-After")) || 0);
      return value;
    } catch (error) {
      throw error instanceof ApiError ? error : new ApiError(0);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    session: (asked) => call("POST", "session", { body: asked }),
    send: (token, message) => call("POST", "messages", { token, body: message }),
    receipts: (token, body) => call("POST", "receipts", { token, body }),
    poll(token, after, wait, signal) {
      const query = new URLSearchParams({ after, wait, typing: "1" });
      return call("GET", `messages?${query}`, { token, signal, seconds: wait + 15 });
    },
    /** `progress` gets a share between 0 and 1. Returns {done, abort}. */
    upload(token, file, progress) {
      const request = new XMLHttpRequest();
      const done = new Promise((resolve, reject) => {
        request.open("POST", new URL("files", base));
        request.setRequestHeader("Authorization", `Bearer ${token}`);
        request.responseType = "json";
        request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
        request.onload = () => {
          const value = request.response || {};
          if (request.status === 200) resolve(value);
          else reject(new ApiError(request.status, value.error, Number(request.getResponseHeader("Retry-After")) || 0));
        };
        request.onerror = request.onabort = request.ontimeout = () => reject(new ApiError(0));
        const form = new FormData();
        form.append("file", file, file.name);
        request.send(form);
      });
      return { done, abort: () => request.abort() };
    },
  };
}
