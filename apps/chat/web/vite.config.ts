// How the page is built: into ../assets, which is committed and travels in the binary.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// Where `npm run dev` finds a running chat.
const chat = process.env["VECHE_CHAT"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/chat/assets/",
  plugins: [svelte()],
  build: {
    outDir: "../assets",
    emptyOutDir: true,
    assetsDir: "static",
    assetsInlineLimit: 0,
    target: ["chrome123", "firefox121", "safari17.5"],
    reportCompressedSize: true,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      // The chat answers its own origin only, so the Host header stays as the browser sent it.
      "/chat/api": { target: chat, changeOrigin: false },
      "/connection": { target: chat, changeOrigin: false, ws: true },
    },
  },
});
