//! A chat on Veche: rooms, history, people, and nothing lost.
