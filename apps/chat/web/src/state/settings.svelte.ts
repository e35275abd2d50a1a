// Language and theme: chosen by the browser, or by the reader and then remembered.
import { dictionaries, type Language, type Words } from "../lib/words.ts";

export type Theme = "auto" | "light" | "dark";

class Settings {
  language = $state<Language>(initialLanguage());
  theme = $state<Theme>(initialTheme());

  get words(): Words {
    return dictionaries[this.language];
  }

  speak(language: Language): void {
    this.language = language;
    remember("language", language);
  }

  paint(theme: Theme): void {
    this.theme = theme;
    remember("theme", theme);
  }
}

function initialLanguage(): Language {
  const known = recall("language") ?? navigator.language;
  return known.startsWith("ru") ? "ru" : "en";
}

function initialTheme(): Theme {
  const known = recall("theme");
  return known === "light" || known === "dark" ? known : "auto";
}

/** Keeps a value between visits, where the browser allows it. */
export function remember(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(`veche.chat.${key}`);
    else localStorage.setItem(`veche.chat.${key}`, value);
  } catch {
    // A browser that keeps nothing: the value lives as long as the page.
  }
}

export function recall(key: string): string | undefined {
  try {
    return localStorage.getItem(`veche.chat.${key}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export const settings = new Settings();
