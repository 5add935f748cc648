"""What to say. Start at `engine.Engine.receive()`: load, think, save; the thinking is `think.Thinker`."""
