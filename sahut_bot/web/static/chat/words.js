// What the page says, in English and Indonesian. Both have the same keys.

const LINES = {
  en: {
    subtitle: "Chat with us",
    greeting: "Hi there 👋 How can we help?",
    promise: "Write to us here. A person from our team answers in this chat.",
    minimise: "Close chat",
    conversation: "Conversation",
    write: "Write a message…",
    message: "Message",
    attach: "Attach files",
    send: "Send message",
    remove: "Remove {name}",
    drop: "Drop files to add them",
    typing: "An answer is being written…",
    agent: "Agent",
    youSaid: "You said",
    saidBy: "{name} said",
    today: "Today",
    yesterday: "Yesterday",
    sending: "Sending…",
    waiting: "Waiting for a connection…",
    sent: "Sent",
    failed: "Not sent.",
    retry: "Try again",
    discard: "Discard",
    edited: "edited",
    deleted: "This message was deleted.",
    newer: "New messages: {n}",
    latest: "To the latest message",
    offline: "No connection. Trying again…",
    tooLong: "{n} characters too many",
    left: "{n} characters left",
    tooBig: "larger than {size}",
    tooMany: "no more than {n} files at once",
    refusedType: "this type of file is not taken",
    uploadFailed: "could not be uploaded",
    slowDown: "That was a lot at once. It goes out in a moment.",
    ask: "Before we begin, who are we talking to?",
    name: "Name",
    email: "E-mail",
    optional: "{label} (optional)",
    skip: "Skip",
    begin: "Start chatting",
    needName: "Please tell us your name.",
    needEmail: "Please write an e-mail address, like ani@example.com.",
  },
  id: {
    subtitle: "Ngobrol dengan kami",
    greeting: "Halo 👋 Ada yang bisa kami bantu?",
    promise: "Tulis pesan di sini. Tim kami menjawab langsung di obrolan ini.",
    minimise: "Tutup obrolan",
    conversation: "Percakapan",
    write: "Tulis pesan…",
    message: "Pesan",
    attach: "Lampirkan berkas",
    send: "Kirim pesan",
    remove: "Hapus {name}",
    drop: "Lepaskan berkas untuk menambahkannya",
    typing: "Jawaban sedang ditulis…",
    agent: "Agen",
    youSaid: "Anda menulis",
    saidBy: "{name} menulis",
    today: "Hari ini",
    yesterday: "Kemarin",
    sending: "Mengirim…",
    waiting: "Menunggu koneksi…",
    sent: "Terkirim",
    failed: "Tidak terkirim.",
    retry: "Coba lagi",
    discard: "Buang",
    edited: "diedit",
    deleted: "Pesan ini dihapus.",
    newer: "Pesan baru: {n}",
    latest: "Ke pesan terbaru",
    offline: "Tidak ada koneksi. Mencoba lagi…",
    tooLong: "Kelebihan {n} karakter",
    left: "Sisa {n} karakter",
    tooBig: "lebih besar dari {size}",
    tooMany: "paling banyak {n} berkas sekaligus",
    refusedType: "jenis berkas ini tidak diterima",
    uploadFailed: "gagal diunggah",
    slowDown: "Terlalu banyak sekaligus. Sebentar lagi dikirim.",
    ask: "Sebelum mulai, dengan siapa kami berbicara?",
    name: "Nama",
    email: "Email",
    optional: "{label} (opsional)",
    skip: "Lewati",
    begin: "Mulai obrolan",
    needName: "Tolong tulis nama Anda.",
    needEmail: "Tolong tulis alamat email, misalnya ani@example.com.",
  },
};

/** The first of these languages that we speak. */
export function spoken(...wanted) {
  for (const tag of wanted) {
    const short = (tag || "").toLowerCase().split("-")[0];
    if (Object.hasOwn(LINES, short)) return short;
  }
  return "en";
}

export function speak(language) {
  const lines = LINES[language];
  const day = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
  const time = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

  return {
    language,
    say: (key, params = {}) => lines[key].replace(/\{(\w+)\}/g, (whole, name) => params[name] ?? whole),
    time: (date) => time.format(date),
    day(date) {
      const today = new Date();
      const before = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
      if (date.toDateString() === today.toDateString()) return lines.today;
      if (date.toDateString() === before.toDateString()) return lines.yesterday;
      return day.format(date);
    },
    size(bytes) {
      if (bytes < 1024) return `${bytes} B`;
      const units = ["KB", "MB", "GB"];
      let value = bytes / 1024;
      let unit = 0;
      while (value >= 1000 && unit < units.length - 1) {
        value /= 1024;
        unit += 1;
      }
      return `${number.format(value)} ${units[unit]}`;
    },
  };
}
