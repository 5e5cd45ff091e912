"""Was it good? Critics judge an outcome, the lifecycle says what follows."""
