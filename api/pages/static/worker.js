"use strict";
// Gives the page behind a QR code, and what it is made of, where there is no network. The page itself puts them into
// the cache; with a network nothing comes from there.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (pathname !== "/v" && !pathname.startsWith("/static/")) return;
  const kept = () => caches.match(request, { ignoreSearch: pathname === "/v" });
  event.respondWith(fetch(request).catch(async () => (await kept()) ?? Response.error()));
});
