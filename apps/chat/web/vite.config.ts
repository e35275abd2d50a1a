// How the page is built: into ../assets, which is committed and travels in the binary.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

// Where `npm run dev` finds a running chat.
const chat = process.env["VECHE_CHAT"] ?? "http://127.0.0.1:8000";

/** Writes the service worker, which keeps every file of this build. */
function worker(): Plugin {
  return {
    name: "chat-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const files = Object.keys(bundle)
        .filter((name) => name.startsWith("static/"))
        .sort()
        .map((name) => `/chat/assets/${name}`);
      const source = readFileSync(new URL("worker.js", import.meta.url), "utf8");
      const version = createHash("sha256").update(source).update(files.join()).digest("hex").slice(0, 16);
      const list = JSON.stringify(["/", "/chat/assets/favicon.svg", ...files], undefined, 1);
      this.emitFile({ type: "asset", fileName: "worker.js", source: source.replace("__FILES__", list).replace("__VERSION__", JSON.stringify(version)) });
    },
  };
}

export default defineConfig({
  base: "/chat/assets/",
  plugins: [svelte(), worker()],
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
