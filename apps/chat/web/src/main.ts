// Starts the page.
import "@fontsource-variable/golos-text/wght.css";
import "./app.css";
import { mount } from "svelte";
import App from "./App.svelte";

mount(App, { target: document.getElementById("app")! });
