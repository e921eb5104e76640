"""The independent judge of seals: qpdf, asn1crypto and cryptography; it shares no code with the writer."""
