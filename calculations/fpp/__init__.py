"""The figures of Free Planning Poker."""
