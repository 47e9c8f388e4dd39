/** What every backend must do, as tests: subclass {@link org.mohawk4j.backend.contract.BackendContract} to run them. */
package org.mohawk4j.backend.contract;
