// Times and days as the language writes them.
import { dictionaries, type Language } from "./words.ts";

const cache = new Map<string, Intl.DateTimeFormat>();

function format(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let found = cache.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(language === "ru" ? "ru-RU" : "en-GB", options);
    cache.set(key, found);
  }
  return found;
}

/** Hours and minutes. */
export function clock(language: Language, time: number): string {
  return format(language, { hour: "2-digit", minute: "2-digit" }).format(time);
}

/** Day and time in full, for those who ask. */
export function moment(language: Language, time: number): string {
  return format(language, { dateStyle: "long", timeStyle: "medium" }).format(time);
}

/** Today, yesterday, or the date; with the year only if it is another one. */
export function day(language: Language, time: number, now: number): string {
  const words = dictionaries[language];
  const ago = dayNumber(now) - dayNumber(time);
  if (ago === 0) return words.today;
  if (ago === 1) return words.yesterday;
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  const options: Intl.DateTimeFormatOptions = { day: "numeric", month: "long", ...(sameYear ? { weekday: "long" } : { year: "numeric" }) };
  return format(language, options).format(time);
}

/** For lists: the clock today, else a short date. */
export function short(language: Language, time: number, now: number): string {
  if (dayNumber(now) === dayNumber(time)) return clock(language, time);
  return format(language, { day: "numeric", month: "short" }).format(time);
}

/** Days since 1970 in local time. */
function dayNumber(time: number): number {
  const date = new Date(time);
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}
