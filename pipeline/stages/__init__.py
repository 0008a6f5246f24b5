"""One module a stage, thin: what moves rows from one store to the next. Stages never import one another."""
