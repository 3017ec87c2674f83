"""The accuracy of the peers, and the agreement of ranvier with torch; speed is `ranvier bench`."""
