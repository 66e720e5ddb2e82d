-- A change that nobody here could judge when it came, since its kind was not known: the generation of the actor it must be by. Absent
-- for one that passed the guard. When the kind is known, it is judged before it counts.
ALTER TABLE change ADD COLUMN generation INTEGER;
