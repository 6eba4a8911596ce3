-- Reduced from github:oracle-samples/db-sample-schemas: tables, keys, indexes, sequences, triggers and
-- some comments; no rows. Copyright (c) 2023 Oracle and/or its affiliates; MIT licence, see NOTICE.md.
CREATE TABLE regions (region_id NUMBER CONSTRAINT region_id_nn NOT NULL, region_name VARCHAR2(25));
CREATE UNIQUE INDEX reg_id_pk ON regions (region_id);
ALTER TABLE regions ADD (CONSTRAINT reg_id_pk PRIMARY KEY (region_id));
CREATE TABLE countries (country_id CHAR(2) CONSTRAINT country_id_nn NOT NULL, country_name VARCHAR2(60), region_id NUMBER, CONSTRAINT country_c_id_pk PRIMARY KEY (country_id)) ORGANIZATION INDEX;
ALTER TABLE countries ADD (CONSTRAINT countr_reg_fk FOREIGN KEY (region_id) REFERENCES regions(region_id));
CREATE TABLE locations (location_id NUMBER(4), street_address VARCHAR2(40), postal_code VARCHAR2(12), city VARCHAR2(30) CONSTRAINT loc_city_nn NOT NULL, state_province VARCHAR2(25), country_id CHAR(2));
CREATE UNIQUE INDEX loc_id_pk ON locations (location_id);
ALTER TABLE locations ADD (CONSTRAINT loc_id_pk PRIMARY KEY (location_id), CONSTRAINT loc_c_id_fk FOREIGN KEY (country_id) REFERENCES countries(country_id));
CREATE SEQUENCE locations_seq START WITH 3300 INCREMENT BY 100 MAXVALUE 9900 NOCACHE NOCYCLE;
CREATE TABLE departments (department_id NUMBER(4), department_name VARCHAR2(30) CONSTRAINT dept_name_nn NOT NULL, manager_id NUMBER(6), location_id NUMBER(4));
CREATE UNIQUE INDEX dept_id_pk ON departments (department_id);
ALTER TABLE departments ADD (CONSTRAINT dept_id_pk PRIMARY KEY (department_id), CONSTRAINT dept_loc_fk FOREIGN KEY (location_id) REFERENCES locations (location_id));
CREATE SEQUENCE departments_seq START WITH 280 INCREMENT BY 10 MAXVALUE 9990 NOCACHE NOCYCLE;
CREATE TABLE jobs (job_id VARCHAR2(10), job_title VARCHAR2(35) CONSTRAINT job_title_nn NOT NULL, min_salary NUMBER(6), max_salary NUMBER(6));
CREATE UNIQUE INDEX job_id_pk ON jobs (job_id);
ALTER TABLE jobs ADD (CONSTRAINT job_id_pk PRIMARY KEY(job_id));
CREATE TABLE employees (employee_id NUMBER(6), first_name VARCHAR2(20), last_name VARCHAR2(25) CONSTRAINT emp_last_name_nn NOT NULL, email VARCHAR2(25) CONSTRAINT emp_email_nn NOT NULL, phone_number VARCHAR2(20), hire_date DATE CONSTRAINT emp_hire_date_nn NOT NULL, job_id VARCHAR2(10) CONSTRAINT emp_job_nn NOT NULL, salary NUMBER(8,2), commission_pct NUMBER(2,2), manager_id NUMBER(6), department_id NUMBER(4), CONSTRAINT emp_salary_min CHECK (salary > 0), CONSTRAINT emp_email_uk UNIQUE (email));
CREATE UNIQUE INDEX emp_emp_id_pk ON employees (employee_id);
ALTER TABLE employees ADD (CONSTRAINT emp_emp_id_pk PRIMARY KEY (employee_id), CONSTRAINT emp_dept_fk FOREIGN KEY (department_id) REFERENCES departments, CONSTRAINT emp_job_fk FOREIGN KEY (job_id) REFERENCES jobs (job_id), CONSTRAINT emp_manager_fk FOREIGN KEY (manager_id) REFERENCES employees);
ALTER TABLE departments ADD (CONSTRAINT dept_mgr_fk FOREIGN KEY (manager_id) REFERENCES employees (employee_id));
CREATE SEQUENCE employees_seq START WITH 207 INCREMENT BY 1 NOCACHE NOCYCLE;
CREATE TABLE job_history (employee_id NUMBER(6) CONSTRAINT jhist_employee_nn NOT NULL, start_date DATE CONSTRAINT jhist_start_date_nn NOT NULL, end_date DATE CONSTRAINT jhist_end_date_nn NOT NULL, job_id VARCHAR2(10) CONSTRAINT jhist_job_nn NOT NULL, department_id NUMBER(4), CONSTRAINT jhist_date_interval CHECK (end_date > start_date));
CREATE UNIQUE INDEX jhist_emp_id_st_date_pk ON job_history (employee_id, start_date);
ALTER TABLE job_history ADD (CONSTRAINT jhist_emp_id_st_date_pk PRIMARY KEY (employee_id, start_date), CONSTRAINT jhist_job_fk FOREIGN KEY (job_id) REFERENCES jobs, CONSTRAINT jhist_emp_fk FOREIGN KEY (employee_id) REFERENCES employees, CONSTRAINT jhist_dept_fk FOREIGN KEY (department_id) REFERENCES departments);
CREATE INDEX emp_department_ix ON employees (department_id);
CREATE INDEX emp_job_ix ON employees (job_id);
CREATE INDEX emp_manager_ix ON employees (manager_id);
CREATE INDEX emp_name_ix ON employees (last_name, first_name);
CREATE INDEX dept_location_ix ON departments (location_id);
CREATE INDEX jhist_job_ix ON job_history (job_id);
CREATE INDEX jhist_employee_ix ON job_history (employee_id);
CREATE INDEX jhist_department_ix ON job_history (department_id);
CREATE INDEX loc_city_ix ON locations (city);
CREATE INDEX loc_state_province_ix ON locations (state_province);
CREATE INDEX loc_country_ix ON locations (country_id);
COMMENT ON TABLE regions IS 'Regions table that contains region numbers and names. references with the Countries table.';
COMMENT ON COLUMN regions.region_id IS 'Primary key of regions table.';
COMMENT ON COLUMN regions.region_name IS 'Names of regions. Locations are in the countries of these regions.';
COMMENT ON TABLE locations IS 'Locations table that contains specific address of a specific office, warehouse, and/or production site of a company. Does not store addresses / locations of customers. references with the departments and countries tables. ';
COMMENT ON COLUMN locations.location_id IS 'Primary key of locations table';
COMMENT ON COLUMN locations.street_address IS 'Street address of an office, warehouse, or production site of a company. Contains building number and street name';
COMMENT ON TABLE departments IS 'Departments table that shows details of departments where employees work. references with locations, employees, and job_history tables.';
COMMENT ON COLUMN departments.department_id IS 'Primary key column of departments table.';
COMMENT ON COLUMN departments.department_name IS 'A not null column that shows name of a department. Administration, Marketing, Purchasing, Human Resources, Shipping, IT, Executive, Public Relations, Sales, Finance, and Accounting. ';
COMMENT ON TABLE job_history IS 'Table that stores job history of the employees. If an employee changes departments within the job or changes jobs within the department, new rows get inserted into this table with old job information of the employee. Contains a complex primary key: employee_id+start_date. References with jobs, employees, and departments tables.';
COMMENT ON COLUMN job_history.employee_id IS 'A not null column in the complex primary key employee_id+start_date. Foreign key to employee_id column of the employee table';
COMMENT ON COLUMN job_history.start_date IS 'A not null column in the complex primary key employee_id+start_date. Must be less than the end_date of the job_history table. (enforced by constraint jhist_date_interval)';
COMMENT ON TABLE countries IS 'country table. References with locations table.';
COMMENT ON COLUMN countries.country_id IS 'Primary key of countries table.';
COMMENT ON COLUMN countries.country_name IS 'Country name';
COMMENT ON TABLE jobs IS 'jobs table with job titles and salary ranges. References with employees and job_history table.';
COMMENT ON COLUMN jobs.job_id IS 'Primary key of jobs table.';
COMMENT ON COLUMN jobs.job_title IS 'A not null column that shows job title, e.g. AD_VP, FI_ACCOUNTANT';
COMMENT ON TABLE employees IS 'employees table. References with departments, jobs, job_history tables. Contains a self reference.';
COMMENT ON COLUMN employees.employee_id IS 'Primary key of employees table.';
COMMENT ON COLUMN employees.first_name IS 'First name of the employee. A not null column.';
CREATE OR REPLACE TRIGGER secure_employees
  BEFORE INSERT OR UPDATE OR DELETE ON employees
BEGIN
  secure_dml;
END secure_employees;
/
ALTER TRIGGER secure_employees DISABLE;
CREATE OR REPLACE TRIGGER update_job_history
  AFTER UPDATE OF job_id, department_id ON employees
  FOR EACH ROW
BEGIN
  add_job_history(:old.employee_id, :old.hire_date, sysdate,
                  :old.job_id, :old.department_id);
END;
/
