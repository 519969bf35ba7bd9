"""The same verdict every time: the deciding scenario of each worker, again and again."""
