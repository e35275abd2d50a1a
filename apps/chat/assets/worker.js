// The service worker: keeps the page itself, so that it opens without a network. What is said in the chat it never
// touches; that is kept by the page. FILES and VERSION are put in by the build.
const FILES = [
 "/",
 "/chat/assets/favicon.svg",
 "/chat/assets/static/golos-text-cyrillic-ext-wght-normal-hICkpzq7.woff2",
 "/chat/assets/static/golos-text-cyrillic-wght-normal-mKek_fSS.woff2",
 "/chat/assets/static/golos-text-latin-ext-wght-normal-B-I5lbAQ.woff2",
 "/chat/assets/static/golos-text-latin-wght-normal-BS5oQT7X.woff2",
 "/chat/assets/static/index-CQT80Lyg.js",
 "/chat/assets/static/index-DqPt74iH.css"
];
const PREFIX = "veche-chat-";
const CACHE = PREFIX + "8837e4e6f7751198";
/** How long the network may take to bring the page before the kept one is shown, in milliseconds. */
const PATIENCE = 3000;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (origin !== location.origin || event.request.method !== "GET") return;
  if (event.request.mode === "navigate" && (pathname === "/" || pathname.startsWith("/room/") || pathname.startsWith("/join/"))) event.respondWith(page(event.request));
  else if (pathname.startsWith("/chat/assets/static/")) event.respondWith(file(event.request));
});

/** The page as the chat has it now; the kept one when nobody answers in time, or only a proxy in its place. */
async function page(request) {
  const kept = () => caches.match("/", { cacheName: CACHE });
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    return response.status < 500 ? response : ((await kept()) ?? response);
  } catch (error) {
    const response = await kept();
    if (!response) throw error;
    return response;
  }
}

/** Files below static/ carry a hash of their content: the kept one is the right one. */
async function file(request) {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}

async function forgetOthers() {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
}
