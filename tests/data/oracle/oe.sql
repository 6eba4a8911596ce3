-- Reduced from github:oracle-samples/db-sample-schemas: tables, keys, indexes, sequences, triggers and
-- some comments; no rows. Copyright (c) 2023 Oracle and/or its affiliates; MIT licence, see NOTICE.md.
CREATE TABLE customers (customer_id NUMBER(6), cust_first_name VARCHAR2(20) CONSTRAINT cust_fname_nn NOT NULL, cust_last_name VARCHAR2(20) CONSTRAINT cust_lname_nn NOT NULL, cust_address cust_address_typ, phone_numbers phone_list_typ, nls_language VARCHAR2(3), nls_territory VARCHAR2(30), credit_limit NUMBER(9,2), cust_email VARCHAR2(40), account_mgr_id NUMBER(6), cust_geo_location MDSYS.SDO_GEOMETRY, CONSTRAINT customer_credit_limit_max CHECK (credit_limit <= 5000), CONSTRAINT customer_id_min CHECK (customer_id > 0));
CREATE TABLE warehouses (warehouse_id NUMBER(3), warehouse_spec SYS.XMLTYPE, warehouse_name VARCHAR2(35), location_id NUMBER(4), wh_geo_location MDSYS.SDO_GEOMETRY);
CREATE UNIQUE INDEX customers_pk ON customers (customer_id);
ALTER TABLE customers ADD (CONSTRAINT customers_pk PRIMARY KEY (customer_id));
CREATE UNIQUE INDEX warehouses_pk ON warehouses (warehouse_id);
ALTER TABLE warehouses ADD (CONSTRAINT warehouses_pk PRIMARY KEY (warehouse_id));
CREATE TABLE order_items (order_id NUMBER(12), line_item_id NUMBER(3) NOT NULL, product_id NUMBER(6) NOT NULL, unit_price NUMBER(8,2), quantity NUMBER(8));
CREATE UNIQUE INDEX order_items_pk ON order_items (order_id, line_item_id);
CREATE UNIQUE INDEX order_items_uk ON order_items (order_id, product_id);
ALTER TABLE order_items ADD (CONSTRAINT order_items_pk PRIMARY KEY (order_id, line_item_id));
CREATE TABLE orders (order_id NUMBER(12), order_date TIMESTAMP WITH LOCAL TIME ZONE CONSTRAINT order_date_nn NOT NULL, order_mode VARCHAR2(8), customer_id NUMBER(6) CONSTRAINT order_customer_id_nn NOT NULL, order_status NUMBER(2), order_total NUMBER(8,2), sales_rep_id NUMBER(6), promotion_id NUMBER(6), CONSTRAINT order_mode_lov CHECK (order_mode in ('direct','online')), constraint order_total_min check (order_total >= 0));
CREATE UNIQUE INDEX order_pk ON orders (order_id);
ALTER TABLE orders ADD (CONSTRAINT order_pk PRIMARY KEY (order_id));
CREATE TABLE inventories (product_id NUMBER(6), warehouse_id NUMBER(3) CONSTRAINT inventory_warehouse_id_nn NOT NULL, quantity_on_hand NUMBER(8) CONSTRAINT inventory_qoh_nn NOT NULL, CONSTRAINT inventory_pk PRIMARY KEY (product_id, warehouse_id) DISABLE NOVALIDATE);
CREATE INDEX inventory_ix ON inventories (warehouse_id,product_id);
ALTER TABLE inventories ENABLE CONSTRAINT inventory_pk;
CREATE TABLE product_information (product_id NUMBER(6), product_name VARCHAR2(50), product_description VARCHAR2(2000), category_id NUMBER(2), weight_class NUMBER(1), warranty_period INTERVAL YEAR TO MONTH, supplier_id NUMBER(6), product_status VARCHAR2(20), list_price NUMBER(8,2), min_price NUMBER(8,2), catalog_url VARCHAR2(50), CONSTRAINT product_status_lov CHECK (product_status in ('orderable','planned','under development','obsolete')));
ALTER TABLE product_information ADD (CONSTRAINT product_information_pk PRIMARY KEY (product_id));
CREATE TABLE product_descriptions (product_id NUMBER(6), language_id VARCHAR2(3), translated_name NVARCHAR2(50) CONSTRAINT translated_name_nn NOT NULL, translated_description NVARCHAR2(2000) CONSTRAINT translated_desc_nn NOT NULL);
CREATE UNIQUE INDEX prd_desc_pk ON product_descriptions(product_id,language_id);
ALTER TABLE product_descriptions ADD (CONSTRAINT product_descriptions_pk PRIMARY KEY (product_id, language_id));
CREATE TABLE promotions (promo_id NUMBER(6), promo_name VARCHAR2(20));
ALTER TABLE promotions ADD CONSTRAINT promo_id_pk PRIMARY KEY (promo_id);
ALTER TABLE orders ADD (CONSTRAINT orders_sales_rep_fk FOREIGN KEY (sales_rep_id) REFERENCES hr.employees(employee_id) ON DELETE SET NULL);
ALTER TABLE orders ADD (CONSTRAINT orders_customer_id_fk FOREIGN KEY (customer_id) REFERENCES customers(customer_id) ON DELETE SET NULL);
ALTER TABLE warehouses ADD (CONSTRAINT warehouses_location_fk FOREIGN KEY (location_id) REFERENCES hr.locations(location_id) ON DELETE SET NULL);
ALTER TABLE customers ADD (CONSTRAINT customers_account_manager_fk FOREIGN KEY (account_mgr_id) REFERENCES hr.employees(employee_id) ON DELETE SET NULL);
ALTER TABLE inventories ADD (CONSTRAINT inventories_warehouses_fk FOREIGN KEY (warehouse_id) REFERENCES warehouses (warehouse_id) ENABLE NOVALIDATE);
ALTER TABLE inventories ADD (CONSTRAINT inventories_product_id_fk FOREIGN KEY (product_id) REFERENCES product_information (product_id));
ALTER TABLE order_items ADD (CONSTRAINT order_items_order_id_fk FOREIGN KEY (order_id) REFERENCES orders(order_id) ON DELETE CASCADE enable novalidate);
ALTER TABLE order_items ADD (CONSTRAINT order_items_product_id_fk FOREIGN KEY (product_id) REFERENCES product_information(product_id));
ALTER TABLE product_descriptions ADD (CONSTRAINT pd_product_id_fk FOREIGN KEY (product_id) REFERENCES product_information(product_id));
CREATE SEQUENCE orders_seq START WITH 1000 INCREMENT BY 1 NOCACHE NOCYCLE;
CREATE INDEX whs_location_ix ON warehouses (location_id);
CREATE INDEX inv_product_ix ON inventories (product_id);
CREATE INDEX inv_warehouse_ix ON inventories (warehouse_id);
CREATE INDEX item_order_ix ON order_items (order_id);
CREATE INDEX item_product_ix ON order_items (product_id);
CREATE INDEX ord_sales_rep_ix ON orders (sales_rep_id);
CREATE INDEX ord_customer_ix ON orders (customer_id);
CREATE INDEX ord_order_date_ix ON orders (order_date);
CREATE INDEX cust_account_manager_ix ON customers (account_mgr_id);
CREATE INDEX cust_lname_ix ON customers (cust_last_name);
CREATE INDEX cust_email_ix ON customers (cust_email);
CREATE INDEX prod_name_ix ON product_descriptions (translated_name);
CREATE INDEX prod_supplier_ix ON product_information (supplier_id);
CREATE INDEX cust_upper_name_ix ON customers (UPPER(cust_last_name), UPPER(cust_first_name));
COMMENT ON TABLE oe.customers IS 'Contains customers data either entered by an employee or by the customer him/herself over the Web.';
COMMENT ON COLUMN oe.customers.cust_address IS 'Object column of type address_typ.';
COMMENT ON COLUMN oe.customers.phone_numbers IS 'Varray column of type phone_list_typ';
COMMENT ON TABLE product_descriptions IS 'Non-industry-specific design, allows selection of NLS-setting-specific data derived at runtime, for example using the products view.';
COMMENT ON COLUMN product_descriptions.product_id IS 'Primary key column.';
COMMENT ON COLUMN product_descriptions.language_id IS 'Primary key column.';
CREATE OR REPLACE TRIGGER insert_ord_line
  BEFORE INSERT ON order_items
  FOR EACH ROW
  DECLARE
    new_line number;
  BEGIN
    SELECT (NVL(MAX(line_item_id),0)+1) INTO new_line
      FROM order_items
      WHERE order_id = :new.order_id;
    :new.line_item_id := new_line;
  END;
/
