"""The parts of the Test page: which model, one picture, many pictures, live, and what is put right."""
