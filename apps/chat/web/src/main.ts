// Starts the page.
import "@fontsource-variable/golos-text/wght.css";
import "./app.css";
// Before any state is made.
import "./state/signals.svelte.ts";
import { mount } from "svelte";
import App from "./App.svelte";

mount(App, { target: document.getElementById("app")! });

// Without it the page needs a network to open; with it, only to talk.
if ("serviceWorker" in navigator && import.meta.env.PROD) navigator.serviceWorker.register("/chat-worker.js", { scope: "/" }).catch(() => {});
