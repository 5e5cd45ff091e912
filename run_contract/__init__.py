"""What a run is: its tasks, its graph, its policy and its errors. Imports nothing that acts."""
