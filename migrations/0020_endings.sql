-- How the carrier said that an attempt ended, and on whose word that stands: a callback's, two callbacks that contradict
-- each other, or the carrier's own list when it was asked.

alter table attempt
  add column ending      text check (ending in ('completed', 'busy', 'no_answer', 'failed', 'canceled')),
  add column ending_word text check (ending_word in ('callback', 'disputed', 'read')),
  add check ((ending is null) = (ending_word is null));
