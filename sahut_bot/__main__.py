"""`python -m sahut_bot`."""

from sahut_bot.cli import main

main()
