/** What tests of several modules share: a GPU, and models of sizes that its fused kernels serve. */
package org.mohawk4j.models.testing;
